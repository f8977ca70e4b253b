namespace Berth.Engine.Containers.Files;

/// <summary>Deletes a folder with all in it, though somebody may still be writing files into it.</summary>
internal static class FolderDeletion
{
    private const int Tries = 16;

    /// <exception cref="IOException">It cannot be deleted, or is written to without end.</exception>
    internal static void Delete(string folder)
    {
        for (var tries = 1; Directory.Exists(folder); tries++)
        {
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (IOException) when (tries < Tries)
            {
                // a file came after its folder was emptied: it goes at the next try, and what fails for another reason fails again
            }
        }
    }
}
