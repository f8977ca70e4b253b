using System.Collections.Concurrent;
using Berth.Linux.Seccomp;

namespace Berth.Engine.Containers.Runtime;

/// <summary>
/// Compiles <see cref="SeccompProfile"/> for crun and remembers the filters: libseccomp takes half of a container's whole start for
/// that, and the result depends on the capabilities alone. crun takes a compiled filter by an annotation (man crun(1),
/// run.oci.seccomp_bpf_data). A crun that does not know the annotation, or a host without a libseccomp of its own, compiles the profile,
/// which is in the spec as well; then calls that are younger than the profile fail with EPERM instead of ENOSYS. runc compiles it like <see cref="SeccompFilter"/>.
/// </summary>
internal sealed class SeccompFilters(OciRuntime runtime)
{
    private const string Annotation = "run.oci.seccomp_bpf_data";
    private const int MostFilters = 64; // sets of capabilities; a host has a handful
    private readonly ConcurrentDictionary<string, string> _filters = new(StringComparer.Ordinal); // capabilities → filter in base64

    /// <summary>The spec, with its compiled filter where the runtime takes one.</summary>
    internal RuntimeSpecModel Apply(RuntimeSpecModel spec) => IsFiltered(spec)
        ? spec with { Annotations = new Dictionary<string, string>(spec.Annotations) { [Annotation] = FilterOf(spec.Process.Capabilities) } }
        : spec;

    private bool IsFiltered(RuntimeSpecModel spec) => runtime.Name == "crun" && SeccompFilter.IsAvailable && spec is { Privileged: false, SeccompUnconfined: false, SeccompFile: null };

    private string FilterOf(IReadOnlyList<string> capabilities)
    {
        var key = string.Join(' ', capabilities.Order(StringComparer.Ordinal));
        if (_filters.TryGetValue(key, out var known))
        {
            return known;
        }

        var filter = Convert.ToBase64String(SeccompProfile.Compile(capabilities.ToHashSet(StringComparer.Ordinal)));
        if (_filters.Count < MostFilters)
        {
            _filters.TryAdd(key, filter);
        }

        return filter;
    }
}
