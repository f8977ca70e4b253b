namespace Berth.Cli.Doctor;

/// <summary>Says what is wrong with this machine, why it matters, and what mends it.</summary>
internal static class DoctorVerb
{
    internal static Verb Doctor() => new(
        "doctor", "", "Says what on this machine keeps Berth from working, or from working well, and what mends it. Changes nothing. Ends with 1 if something is grave.",
        "berth doctor", [], async (context, line) =>
        {
            if (line.Arguments.Count > 0)
            {
                throw new UsageException($"unexpected argument '{line.Arguments[0]}'");
            }

            var findings = Examination.Of(await MachineFacts.LookAsync(context).ConfigureAwait(false));
            foreach (var finding in findings.OrderByDescending(finding => finding.IsGrave))
            {
                context.Output.WriteLine($"{(finding.IsGrave ? "problem" : "warning")}: {finding.What}\n    why it matters: {finding.Why}\n    what mends it:  {finding.Mend}");
            }

            if (findings.Count == 0)
            {
                context.Output.WriteLine("Nothing is wrong that 'berth doctor' knows of.");
            }

            return findings.Any(finding => finding.IsGrave) ? 1 : 0;
        });
}
