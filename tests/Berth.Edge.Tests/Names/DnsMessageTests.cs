using System.Buffers.Binary;
using System.Net;
using System.Text;
using Berth.Edge.Names;
using Berth.Edge.State;

namespace Berth.Edge.Tests.Names;

public sealed class DnsMessageTests
{
    [Fact]
    public void A_question_is_read_in_lower_case()
    {
        Assert.True(DnsMessage.TryReadQuestion(Query("App.Example", DnsMessage.A), out var question));
        Assert.Equal(("app.example", DnsMessage.A), (question.Name, question.Type));
    }

    [Fact]
    public void An_answer_repeats_id_and_question_and_holds_every_address()
    {
        var request = Query("app", DnsMessage.A);
        DnsMessage.TryReadQuestion(request, out var question);
        var answer = DnsMessage.Addresses(request, question, [IPAddress.Parse("10.0.0.2"), IPAddress.Parse("10.0.0.3")], overTcp: false);
        Assert.Equal(request[..2], answer[..2]);
        Assert.Equal(0x80, answer[2] & 0x80);
        Assert.Equal(2, BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(6)));
        Assert.Equal([10, 0, 0, 3], answer[^4..]);
    }

    [Fact]
    public void Addresses_of_ipv6_are_told_in_records_of_their_own_type()
    {
        var request = Query("app", DnsMessage.Aaaa);
        DnsMessage.TryReadQuestion(request, out var question);
        var answer = DnsMessage.Addresses(request, question, [IPAddress.Parse("fd00::2")], overTcp: false);
        Assert.Equal(request.Length + 28, answer.Length);
        Assert.Equal(DnsMessage.Aaaa, BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(request.Length + 2)));
        Assert.Equal(IPAddress.Parse("fd00::2").GetAddressBytes(), answer[^16..]);
    }

    [Fact]
    public void An_address_of_ipv6_leads_back_to_its_name()
    {
        var state = new EdgeState { Networks = new() { ["a"] = new() { ["app"] = ["10.0.0.2", "fd00::2"] } } };
        var space = new EdgeNamespace { Id = "x", Path = "/x", Port = 1, Networks = ["a"] };
        Assert.Equal("app", NameLookup.FindByAddress(state, space, "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa"));
        Assert.Null(NameLookup.FindByAddress(state, space, "x.d.f.ip6.arpa"));
    }

    [Fact]
    public void Too_many_addresses_for_udp_ask_the_client_to_come_by_tcp()
    {
        var request = Query("many", DnsMessage.A);
        DnsMessage.TryReadQuestion(request, out var question);
        var addresses = Enumerable.Range(1, 60).Select(i => IPAddress.Parse($"10.0.0.{i}")).ToList();
        var udp = DnsMessage.Addresses(request, question, addresses, overTcp: false);
        Assert.True(udp.Length <= 512);
        Assert.Equal(2, udp[2] & 2);
        Assert.Equal(60, BinaryPrimitives.ReadUInt16BigEndian(DnsMessage.Addresses(request, question, addresses, overTcp: true).AsSpan(6)));
    }

    [Fact]
    public void Damaged_questions_are_refused_and_never_read_beyond_the_end()
    {
        var request = Query("some.longer.name", DnsMessage.A);
        var random = new Random(7);
        for (var round = 0; round < 20_000; round++)
        {
            var damaged = request[..random.Next(request.Length + 1)];
            for (var i = 0; i < 3 && damaged.Length > 0; i++)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            if (DnsMessage.TryReadQuestion(damaged, out var question))
            {
                Assert.InRange(question.End, 1, damaged.Length);
            }
        }
    }

    [Fact]
    public void Names_mean_what_the_namespaces_networks_say_and_own_names_come_first()
    {
        var state = new EdgeState
        {
            Networks = new() { ["a"] = new() { ["app"] = ["10.0.0.250"] }, ["b"] = new() { ["db"] = ["10.1.0.2"] } },
        };
        var space = new EdgeNamespace { Id = "x", Path = "/x", Port = 1, Networks = ["a"] };
        Assert.Equal([IPAddress.Parse("10.0.0.250")], NameLookup.Find(state, space, "app")!);
        Assert.Null(NameLookup.Find(state, space, "db"));
        Assert.Equal([IPAddress.Parse("10.0.0.5")], NameLookup.Find(state, space with { OwnNames = new() { ["app"] = ["10.0.0.5"] } }, "app")!);
        Assert.Equal("app", NameLookup.FindByAddress(state, space, "250.0.0.10.in-addr.arpa"));
        Assert.Null(NameLookup.FindByAddress(state, space, "2.0.1.10.in-addr.arpa"));
    }

    private static byte[] Query(string name, ushort type)
    {
        var bytes = new List<byte> { 0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
        foreach (var label in name.Split('.'))
        {
            bytes.Add((byte)label.Length);
            bytes.AddRange(Encoding.ASCII.GetBytes(label));
        }

        bytes.AddRange([0, (byte)(type >> 8), (byte)type, 0, 1]);
        return [.. bytes];
    }
}
