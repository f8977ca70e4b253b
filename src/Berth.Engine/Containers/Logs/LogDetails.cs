using System.Text.RegularExpressions;
using Berth.Engine.Errors;

namespace Berth.Engine.Containers.Logs;

/// <summary>What <c>docker logs --details</c> puts before each line: the labels and variables that the container's log options name. Docker documentation, "JSON File logging driver".</summary>
public static class LogDetails
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(100);

    /// <summary><c>NAME=VALUE,NAME=VALUE</c>, sorted; empty when the options name nothing.</summary>
    /// <exception cref="BerthException">A pattern that is none.</exception>
    public static string Of(ContainerRecord record)
    {
        var options = record.HostConfig.LogConfig.Config ?? [];
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var variables = (record.Config.Env ?? []).Select(variable => variable.Split('=', 2)).Where(pair => pair.Length == 2).Select(pair => KeyValuePair.Create(pair[0], pair[1]));
        foreach (var (key, value) in Chosen(record.Config.Labels ?? [], options, "labels").Concat(Chosen(variables, options, "env")))
        {
            found[key] = value;
        }

        if (options.TryGetValue("tag", out var tag))
        {
            found["tag"] = tag.Replace("{{.Name}}", record.Name, StringComparison.Ordinal).Replace("{{.ID}}", record.ShortId, StringComparison.Ordinal)
                .Replace("{{.FullID}}", record.Id, StringComparison.Ordinal).Replace("{{.ImageName}}", record.Config.Image, StringComparison.Ordinal);
        }

        return string.Join(',', found.Select(pair => $"{Escape(pair.Key)}={Escape(pair.Value)}"));
    }

    // As a form's fields are: url.QueryEscape in Go.
    private static string Escape(string text) => Uri.EscapeDataString(text).Replace("%20", "+", StringComparison.Ordinal);

    private static IEnumerable<KeyValuePair<string, string>> Chosen(IEnumerable<KeyValuePair<string, string>> all, SortedDictionary<string, string> options, string option)
    {
        var names = options.TryGetValue(option, out var list) ? list.Split(',') : [];
        var pattern = options.GetValueOrDefault(option + "-regex");
        try
        {
            return [.. all.Where(pair => names.Contains(pair.Key) || (pattern is not null && Regex.IsMatch(pair.Key, pattern, RegexOptions.None, s_patience)))];
        }
        catch (Exception exception) when (exception is ArgumentException or RegexMatchTimeoutException)
        {
            throw BerthException.Invalid($"the log option {option}-regex={pattern} is not a pattern: {exception.Message}");
        }
    }
}
