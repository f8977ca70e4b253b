using System.Globalization;
using Berth.Engine.State;
using Berth.Linux.Processes;

namespace Berth.Daemon;

/// <summary>
/// For tests only: kills the daemon at a chosen place between two side effects. The variable <c>BERTH_FAULTS</c> names a folder; its file
/// <c>plan</c> holds <c>record</c>, and the names of the places that are reached are added to its file <c>points</c>, or a number N, and
/// reaching the Nth place from then on is the end. Without the variable nobody listens.
/// </summary>
internal sealed class FaultPlan
{
    private const int Kill = 9;
    private readonly string _folder;
    private readonly Lock _gate = new();
    private int _reached; // since the plan appeared

    private FaultPlan(string folder) => _folder = folder;

    internal static FaultPoints FromEnvironment() =>
        Environment.GetEnvironmentVariable("BERTH_FAULTS") is { Length: > 0 } folder ? new FaultPoints(new FaultPlan(folder).Reached) : FaultPoints.None;

    private void Reached(string point)
    {
        lock (_gate)
        {
            var plan = Path.Combine(_folder, "plan");
            if (!File.Exists(plan))
            {
                _reached = 0;
                return;
            }

            _reached++;
            var text = File.ReadAllText(plan).Trim();
            File.AppendAllText(Path.Combine(_folder, "points"), point + "\n");
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var last) && _reached == last)
            {
                using var self = PidFd.Open(Environment.ProcessId);
                self.Signal(Kill);
                using var never = new ManualResetEvent(initialState: false);
                never.WaitOne(); // nothing may happen between the signal and the end
            }
        }
    }
}
