using System.Text;
using Berth.Linux.Files;

namespace Berth.Linux.Tests.Files;

public sealed class LogFileTests
{
    [Fact]
    public void What_two_write_to_one_file_stands_there_one_behind_the_other()
    {
        var folder = Directory.CreateTempSubdirectory("berth-linux-").FullName;
        try
        {
            using (var first = new FileStream(LogFile.Append(folder + "/log"), FileAccess.Write, bufferSize: 0))
            using (var second = new FileStream(LogFile.Append(folder + "/log"), FileAccess.Write, bufferSize: 0))
            {
                first.Write("one\n"u8);
                second.Write("two\n"u8);
                first.Write("three\n"u8);
            }

            Assert.Equal("one\ntwo\nthree\n", File.ReadAllText(folder + "/log", Encoding.ASCII));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
