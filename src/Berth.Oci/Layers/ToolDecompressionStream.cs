using System.ComponentModel;
using System.Diagnostics;

namespace Berth.Oci.Layers;

/// <summary>What <c>xz -dc</c> or <c>bzip2 -dc</c> makes of a stream: formats that are met too seldom for a library. xz(1), bzip2(1).</summary>
internal sealed class ToolDecompressionStream : Stream
{
    private readonly string _tool;
    private readonly Process _process;
    private readonly Stream _source;
    private readonly Task _feeding;
    private readonly Task<string> _error;
    private bool _isEnded;

    /// <exception cref="InvalidDataException">The tool is not installed.</exception>
    internal ToolDecompressionStream(string tool, string package, Stream source)
    {
        (_tool, _source) = (tool, source);
        try
        {
            _process = Process.Start(new ProcessStartInfo(tool, ["-dc"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception exception)
        {
            throw new InvalidDataException($"The archive is compressed with {tool}, which is not installed: apt-get install {package}", exception);
        }

        _feeding = Task.Run(Feed);
        _error = _process.StandardError.ReadToEndAsync();
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        var read = _isEnded || buffer.Length == 0 ? 0 : _process.StandardOutput.BaseStream.Read(buffer);
        if (read == 0 && buffer.Length > 0 && !_isEnded)
        {
            _isEnded = true;
            _process.WaitForExit();
            if (_process.ExitCode != 0)
            {
                throw new InvalidDataException($"The archive cannot be unpacked: {_tool} says: {_error.GetAwaiter().GetResult().Trim()}");
            }
        }

        return read;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            if (!_process.HasExited)
            {
                _process.Kill(); // whoever reads has seen enough
            }

            _feeding.GetAwaiter().GetResult();
            _process.Dispose();
            _source.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Feed()
    {
        try
        {
            _source.CopyTo(_process.StandardInput.BaseStream);
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // it wants no more: its exit code tells why
        }
    }
}
