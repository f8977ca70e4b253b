namespace Berth.Linux.Terminals;

/// <summary>A terminal on one of the process's own descriptors. termios(3), ioctl_tty(2).</summary>
public static unsafe class Terminal
{
    private const ulong TIOCGWINSZ = 0x5413;
    private const int TCSANOW = 0;
    private const int TermiosBytes = 256; // more than struct termios takes on any processor

    public static bool IsTerminal(int descriptor)
    {
        var settings = stackalloc byte[TermiosBytes];
        return Libc.tcgetattr(descriptor, settings) == 0;
    }

    /// <summary>Null when it is no terminal, or does not know its size.</summary>
    public static (int Rows, int Columns)? Size(int descriptor)
    {
        var size = stackalloc ushort[4];
        return Libc.ioctl(descriptor, TIOCGWINSZ, size) == 0 && size[0] > 0 && size[1] > 0 ? (size[0], size[1]) : null;
    }

    /// <summary>Passes every key on unchanged until it is disposed, which restores the settings.</summary>
    /// <exception cref="LinuxException">It is no terminal.</exception>
    public static IDisposable EnterRawMode(int descriptor)
    {
        var before = new byte[TermiosBytes];
        var raw = stackalloc byte[TermiosBytes];
        fixed (byte* settings = before)
        {
            if (Libc.tcgetattr(descriptor, settings) != 0)
            {
                throw new LinuxException(Libc.LastErrno, "tcgetattr", $"descriptor {descriptor}");
            }
        }

        before.CopyTo(new Span<byte>(raw, TermiosBytes));
        Libc.cfmakeraw(raw);
        return Libc.tcsetattr(descriptor, TCSANOW, raw) == 0
            ? new Restored(descriptor, before)
            : throw new LinuxException(Libc.LastErrno, "tcsetattr", $"descriptor {descriptor}");
    }

    private sealed class Restored(int descriptor, byte[] settings) : IDisposable
    {
        public void Dispose()
        {
            fixed (byte* before = settings)
            {
                _ = Libc.tcsetattr(descriptor, TCSANOW, before); // a terminal that has gone needs no settings
            }
        }
    }
}
