using FsCheck;
using FsCheck.Fluent;

namespace Berth.Fuzz.Tests;

/// <summary>A real input with some edits, each of which is decided by its number alone, so that a failure is reduced to the edits that make it.</summary>
internal sealed record Mutant(IReadOnlyList<byte[]> Seeds, IReadOnlyList<string> Tokens, int Seed, IReadOnlyList<int> Edits)
{
    private const int LimitBytes = 256 * 1024;
    private const int MostEdits = 12;

    /// <summary>Mutants of these inputs.</summary>
    /// <param name="seeds">Real inputs.</param>
    /// <param name="tokens">Words that mean something in them.</param>
    internal static Arbitrary<Mutant> Of(IReadOnlyList<byte[]> seeds, IReadOnlyList<string> tokens)
    {
        var generator = Gen.Choose(0, seeds.Count - 1).SelectMany(
            _ => Gen.Choose(0, int.MaxValue - 1).ArrayOf(), (seed, edits) => new Mutant(seeds, tokens, seed, [.. edits.Take(MostEdits)]));
        return Arb.From(generator, mutant => mutant.Edits.Select((_, left) => mutant with { Edits = [.. mutant.Edits.Where((_, index) => index != left)] }));
    }

    internal byte[] Bytes()
    {
        var bytes = Seeds[Seed];
        foreach (var edit in Edits)
        {
            bytes = Change(bytes, new Random(edit));
            bytes = bytes.Length > LimitBytes ? bytes[..LimitBytes] : bytes;
        }

        return bytes;
    }

    public override string ToString() => $"input {Seed} with edits [{string.Join(", ", Edits)}]:\n{System.Text.Encoding.Latin1.GetString(Bytes())}";

    private byte[] Change(byte[] bytes, Random random)
    {
        var start = random.Next(bytes.Length + 1);
        var end = Math.Min(bytes.Length, start + random.Next(1, 40));
        var before = bytes.AsSpan(0, start);
        var part = bytes.AsSpan(start, end - start);
        var after = bytes.AsSpan(end);
        switch (random.Next(9))
        {
            case 0:
                return [.. before, .. after];
            case 1:
                return [.. before, .. part, .. part, .. after];
            case 2:
                return [.. before, .. System.Text.Encoding.UTF8.GetBytes(Tokens[random.Next(Tokens.Count)]), .. part, .. after];
            case 3:
                var noise = new byte[random.Next(1, 9)];
                random.NextBytes(noise);
                return [.. before, .. noise, .. part, .. after];
            case 4:
                return [.. before, .. "99999999999999999999"u8, .. after];
            case 5:
                return before.ToArray();
            case 6:
                var other = Seeds[random.Next(Seeds.Count)];
                return [.. before, .. other.AsSpan(random.Next(other.Length + 1))];
            case 7:
                return [.. before, .. Enumerable.Repeat(part.ToArray(), random.Next(2, 2000)).SelectMany(one => one), .. after]; // deep, or long
            default:
                var changed = bytes.ToArray();
                if (start < bytes.Length)
                {
                    changed[start] ^= (byte)(1 << random.Next(8));
                }

                return changed;
        }
    }
}
