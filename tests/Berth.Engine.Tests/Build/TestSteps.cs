using System.Security.Cryptography;
using Berth.Engine.Build;
using Berth.Engine.Networks;
using Berth.Engine.State;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Engine.Tests.Build;

/// <summary>The real step runner with links, rules and cgroups of its own, which go when it is disposed.</summary>
internal sealed class TestSteps : IDisposable
{
    private readonly EngineParts _parts;
    private readonly NetworkService _networks;

    public TestSteps(StateStore state, string root)
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3));
        var options = new EngineOptions
        {
            DataRoot = root + "/data", ExecRoot = root + "/run", Name = "bt" + id, DefaultBridge = "bt" + id, CgroupParent = "/bt" + id,
            AddressPools = [new($"10.{RandomNumberGenerator.GetInt32(212, 254)}.0.0/16", 24)],
        };
        _parts = EngineHost.CreateParts(options, state, NullLoggerFactory.Instance, TimeProvider.System, FaultPoints.None);
        _networks = new NetworkService(state, options, _parts.Events, TimeProvider.System, _parts.Wiring);
        _networks.LoadAsync([]).GetAwaiter().GetResult();
        var steps = new StepRunner(_parts, _networks, () => _parts.Traffic.RefreshAsync(() => (_networks.All, [], [])));
        steps.RecoverAsync().GetAwaiter().GetResult();
        Runner = steps;
    }

    public IStepRunner Runner { get; }

    public void Dispose()
    {
        _parts.Traffic.RemoveHostRules(_networks.All);
        foreach (var network in _networks.All.Where(network => network.IsBridge))
        {
            _parts.Wiring.RemoveBridge(network);
        }

        _parts.Cgroups.Remove(_parts.Options.CgroupParent);
        _parts.Wiring.Dispose();
        _parts.Exits.Dispose();
    }
}
