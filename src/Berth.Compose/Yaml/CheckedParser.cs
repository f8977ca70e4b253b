using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Berth.Compose.Yaml;

/// <summary>The parser, with every way it rejects a text told as a <see cref="YamlException"/> that knows its place.</summary>
internal sealed class CheckedParser : IParser
{
    private readonly Scanner _scanner;
    private readonly Parser _parser;

    public CheckedParser(string text)
    {
        _scanner = new Scanner(new StringReader(text), skipComments: true);
        _parser = new Parser(_scanner);
    }

    public ParsingEvent? Current => _parser.Current;

    public bool MoveNext()
    {
        try
        {
            return _parser.MoveNext();
        }
        catch (Exception problem) when (problem is InvalidOperationException or ArgumentException or OverflowException)
        {
            // The library's scanner gives up on some texts with these, without a place: a malformed flow mapping is one.
            var here = _scanner.CurrentPosition;
            throw new YamlException(here, here, "nothing may stand here");
        }
    }
}
