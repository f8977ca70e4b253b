using System.Globalization;
using Berth.Engine.State;
using Berth.Linux.Processes;

namespace Berth.Daemon;

/// <summary>
/// For tests only: kills the daemon at a chosen place between two side effects. The variable <c>BERTH_FAULTS</c> names a folder; its file
/// <c>plan</c> holds <c>record</c>, and the names of the places that are reached are added to its file <c>points</c>; or a number N, and
/// reaching the Nth place from then on is the end; or <c>NAME N</c>, and reaching the Nth of that name is. Without the variable nobody listens.
/// </summary>
internal sealed class FaultPlan
{
    private const int Kill = 9;
    private readonly string _folder;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _reached = []; // by name, since the plan appeared; all of them by the empty name

    private FaultPlan(string folder) => _folder = folder;

    internal static FaultPoints FromEnvironment() =>
        Environment.GetEnvironmentVariable("BERTH_FAULTS") is { Length: > 0 } folder ? new FaultPoints(new FaultPlan(folder).Reached) : FaultPoints.None;

    private void Reached(string point)
    {
        lock (_gate)
        {
            var plan = Path.Combine(_folder, "plan");
            var points = Path.Combine(_folder, "points");
            if (!File.Exists(plan) || !File.Exists(points))
            {
                _reached.Clear(); // a plan that replaces another begins without that file
            }

            if (!File.Exists(plan))
            {
                return;
            }

            foreach (var name in new[] { "", point })
            {
                _reached[name] = _reached.GetValueOrDefault(name) + 1;
            }

            var words = File.ReadAllText(plan).Trim().Split(' ');
            File.AppendAllText(points, point + "\n");
            var counted = words.Length == 2 ? words[0] : "";
            if (int.TryParse(words[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var last) && (counted.Length == 0 || counted == point) && _reached[counted] == last)
            {
                using var self = PidFd.Open(Environment.ProcessId);
                self.Signal(Kill);
                using var never = new ManualResetEvent(initialState: false);
                never.WaitOne(); // nothing may happen between the signal and the end
            }
        }
    }
}
