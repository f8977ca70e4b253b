using System.Diagnostics;
using System.Globalization;
using System.Net;
using Berth.EndToEnd.Tests.Releases;

// berth-load RATE CLIENTS PORT ...: a load on ports of this network namespace's loopback address, CLIENTS on each, RATE requests a second together. Reads words from its standard
// input: "rolling" when the releases begin, "stop" to end and print what came of it.
if (args.Length < 3 || !args.All(word => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
{
    Console.Error.WriteLine("usage: berth-load RATE CLIENTS PORT ...");
    return 2;
}

var numbers = args.Select(word => int.Parse(word, CultureInfo.InvariantCulture)).ToList();
var load = new ReleaseLoad([.. numbers.Skip(2).Select(port => new IPEndPoint(IPAddress.Loopback, port))], numbers[1], numbers[0]);
using var ending = new CancellationTokenSource();
var running = load.RunAsync(ending.Token);
var rolling = long.MaxValue;
while (Console.ReadLine() is { } word && word != "stop")
{
    rolling = word == "rolling" ? Stopwatch.GetTimestamp() : rolling;
}

await ending.CancelAsync();
await running;
string Milliseconds(double share, bool whileRolling) => load.Percentile(share, at => at >= rolling == whileRolling).TotalMilliseconds.ToString("0.0", CultureInfo.InvariantCulture);
Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"{load.Answered} {load.Failures.Count} {load.SentAgain} {Milliseconds(0.5, false)} {Milliseconds(0.99, false)} {Milliseconds(0.5, true)} {Milliseconds(0.99, true)}"));
foreach (var group in load.Failures.GroupBy(failure => string.Join(' ', failure.Split(' ').TakeWhile(word => word != "after"))).OrderByDescending(group => group.Count()).Take(12))
{
    Console.Error.WriteLine($"{group.Count()} x {group.Key}");
}

return 0;
