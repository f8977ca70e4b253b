using Berth.Cli;

// The name it was called by: a link named docker or docker-compose has that meaning. .NET's own first argument is the assembly.
var words = File.ReadAllText("/proc/self/cmdline").Split('\0', 2);
return await CliProgram.RunAsync(args, Path.GetFileName(words[0])).ConfigureAwait(false);
