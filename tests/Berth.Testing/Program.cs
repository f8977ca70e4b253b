using Berth.Testing;

// Clears away what killed test runs left on this machine; ./test calls it before it looks at the machine.
await DaemonSlot.ClearUnusedAsync();
