using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Berth.Architecture.Tests;

/// <summary>
/// The command line is published trimmed. The analyzer of the build does not see the calls that a collection expression
/// makes, and the first to tell would be the build of a release.
/// </summary>
public sealed class TrimmingTests
{
    private const int MemberReference = 0x0A000000; // tables of ECMA-335, II.22.25 and II.22.29
    private const int MethodSpecification = 0x2B000000;

    [Theory]
    [InlineData("berth-cli")]
    [InlineData("Berth.Client")]
    public void Nothing_is_called_that_trimming_would_break(string name)
    {
        var methods = Methods(Assembly.Load(name).ManifestModule).ToList();

        Assert.True(methods.Count > 100, $"{methods.Count} methods found in {name}");
        Assert.Empty(methods.Where(method => method.GetCustomAttribute<RequiresUnreferencedCodeAttribute>() is not null).Select(method => $"{method.DeclaringType}.{method.Name}"));
    }

    private static IEnumerable<MemberInfo> Methods(Module module)
    {
        foreach (var table in new[] { MemberReference, MethodSpecification })
        {
            for (var row = 1; row < 0x00FFFFFF; row++)
            {
                MemberInfo? member;
                try
                {
                    member = module.ResolveMember(table | row, GenericParameters, GenericParameters);
                }
                catch (ArgumentOutOfRangeException)
                {
                    break; // the table has no more rows
                }

                if (member is MethodBase)
                {
                    yield return member;
                }
            }
        }
    }

    // Rows inside generic code speak of its parameters; which types those are does not matter here.
    private static readonly Type[] GenericParameters = [.. Enumerable.Repeat(typeof(object), 8)];
}
