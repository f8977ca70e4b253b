using System.Diagnostics;
using FsCheck;
using FsCheck.Fluent;

namespace Berth.Fuzz.Tests;

/// <summary>Whatever an input has become, its reader says what is wrong with it, soon and in little room.</summary>
public sealed class ParserTests
{
    private const long LimitBytes = 256 << 20; // that one reading may allocate, of an input of at most 256 kB
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static TheoryData<string> Names => [.. Parser.All.Select(parser => parser.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Ten_thousand_inputs_in_all(string name) => Check(name, 1 + (10_000 / Parser.All.Count), Known);

    [Theory]
    [Trait("Speed", "long")]
    [MemberData(nameof(Names))]
    public void A_million_inputs_in_all(string name) => Check(name, 1 + (1_000_000 / Parser.All.Count), Config.QuickThrowOnFailure);

    /// <summary>The same inputs each time, so that a run that fails has its reason in what was changed; the long ones look for new ones, and print how to repeat what they find.</summary>
    internal static Config Known => Config.QuickThrowOnFailure.WithReplay(7303318479848800884UL, 5561169226458542377UL);

    private static void Check(string name, int cases, Config config)
    {
        var parser = Parser.All.Single(one => one.Name == name);
        parser.Read(parser.Seeds[0]); // what is compiled at first use takes its time
        Prop.ForAll(Mutant.Of(parser.Seeds, parser.Tokens), mutant => Holds(parser, mutant.Bytes())).Check(config.WithMaxTest(cases));
    }

    private static bool Holds(Parser parser, byte[] input)
    {
        var (before, watch) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.StartNew());
        try
        {
            parser.Read(input);
        }
        catch (Exception exception) when (parser.Failures.Contains(exception.GetType()))
        {
            Assert.NotEmpty(exception.Message);
        }

        Assert.InRange(watch.Elapsed, TimeSpan.Zero, Patience);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, LimitBytes);
        return true;
    }
}
