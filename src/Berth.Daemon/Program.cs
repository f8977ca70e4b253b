using Berth.Daemon;

return await DaemonProgram.RunAsync(args).ConfigureAwait(false);
