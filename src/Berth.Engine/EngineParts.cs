using Berth.Engine.Containers.Runtime;
using Berth.Engine.Events;
using Berth.Engine.Networks;
using Berth.Engine.State;
using Berth.Engine.Users;
using Berth.Linux.Cgroups;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Microsoft.Extensions.Logging;

namespace Berth.Engine;

/// <summary>What the parts of the engine share; made once by <see cref="EngineHost"/>.</summary>
internal sealed record EngineParts(
    StateStore State, EngineOptions Options, EventBus Events, TimeProvider Time, FaultPoints Faults, NetworkWiring Wiring, DepartedEndpoints Departed, TrafficRules Traffic,
    EdgeProcess Edge, OciRuntime Runtime, SeccompFilters SeccompFilters, Conmon Conmon, RemappedFiles Remapped, CgroupLayout Cgroups, ExitWatcher Exits, DirectoryWatcher Watcher, ILoggerFactory Loggers);
