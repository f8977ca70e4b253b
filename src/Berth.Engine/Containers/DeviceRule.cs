using System.Globalization;
using Berth.Engine.Errors;

namespace Berth.Engine.Containers;

/// <summary>An entry of <c>--device-cgroup-rule</c>: <c>c 1:3 rwm</c>. cgroup-v1/devices.rst, "User Interface".</summary>
/// <param name="Type"><c>a</c>, <c>b</c> or <c>c</c>.</param>
/// <param name="Major">Null for all.</param>
/// <param name="Minor">Null for all.</param>
internal sealed record DeviceRule(string Type, int? Major, int? Minor, string Access)
{
    /// <exception cref="BerthException">Not of that form.</exception>
    internal static DeviceRule Parse(string text)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is ["a" or "b" or "c", var numbers, { Length: > 0 and <= 3 } access] && access.All("rwm".Contains)
            && numbers.Split(':') is [var major, var minor] && TryNumber(major, out var first) && TryNumber(minor, out var second))
        {
            return new(words[0], first, second, access);
        }

        throw BerthException.Invalid($"invalid device cgroup rule format: '{text}'");
    }

    private static bool TryNumber(string text, out int? number)
    {
        number = null;
        if (text == "*")
        {
            return true;
        }

        var isNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value);
        number = value;
        return isNumber;
    }
}
