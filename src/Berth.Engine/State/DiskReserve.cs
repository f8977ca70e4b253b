namespace Berth.Engine.State;

/// <summary>
/// Room on the disk of the data root, kept so that what frees room can still be recorded when nothing else fits. It is given up bit by bit, as others may take what is
/// free at once, and taken again when there is room.
/// </summary>
/// <param name="path">A file of zeros.</param>
internal sealed class DiskReserve(string path)
{
    internal const int Bytes = 8 << 20;
    private const int StepBytes = 256 << 10; // more than a removal writes
    private const long RoomForOthers = 4L * Bytes; // a disk with less is left to them

    /// <summary>Some of it is missing.</summary>
    internal bool IsShort { get; private set; }

    /// <summary>Makes room for a few changes more.</summary>
    /// <returns>False when there is nothing left to give up.</returns>
    internal bool GiveUpSome()
    {
        IsShort = true;
        try
        {
            using var file = Open();
            var isLeft = file.Length > 0;
            file.SetLength(Math.Max(0, file.Length - StepBytes));
            return isLeft;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false; // no inode for it, or a disk that is read only: then it helps nobody
        }
    }

    /// <summary>Takes what is missing, as far as there is room.</summary>
    internal void Refill()
    {
        IsShort = true;
        try
        {
            if (new DriveInfo(Path.GetDirectoryName(path)!).AvailableFreeSpace < RoomForOthers)
            {
                return;
            }

            using var file = Open();
            file.Position = file.Length;
            file.Write(new byte[Math.Max(0, Bytes - file.Length)]); // really there, not only a length
            IsShort = false;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Others were faster, or the disk is read only; what has been written stays, and the next time comes.
        }
    }

    private FileStream Open() => new(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, bufferSize: 0);
}
