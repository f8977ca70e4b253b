namespace Berth.Api.BerthApi;

/// <summary>Which variables hold what is shown to nobody, told by their names.</summary>
internal static class SecretNames
{
    internal const string Mask = "********";
    private static readonly string[] s_parts = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "_PASS", "DSN", "_URI", "_URL"];

    internal static bool Contain(string name) => s_parts.Any(part => name.Contains(part, StringComparison.OrdinalIgnoreCase));
}
