using System.Buffers;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Berth.Compose.Yaml;

/// <summary>Reads one YAML document into nodes: aliases and merge keys resolved, everything bounded.</summary>
internal sealed class YamlReader
{
    private const int LengthLimit = 4 << 20; // characters
    private const int DepthLimit = 64;
    private const int SizeLimit = 200_000; // nodes with aliases written out; stops "billion laughs"

    private static readonly SearchValues<char> s_controls =
        SearchValues.Create([.. Enumerable.Range(0, 32).Select(code => (char)code).Where(code => code is not ('\t' or '\n' or '\r')), '\u007f']);

    private readonly string _file;
    private readonly DiagnosticBag _diagnostics;
    private readonly CheckedParser _parser;
    private readonly Dictionary<string, YamlNode> _anchors = new(StringComparer.Ordinal);
    private int _depth;

    private YamlReader(string text, string file, DiagnosticBag diagnostics)
    {
        _file = file;
        _diagnostics = diagnostics;
        _parser = new CheckedParser(text);
    }

    /// <summary>The document's top mapping; null when the file cannot be read as one, which is then reported.</summary>
    public static MapNode? Read(string text, string file, DiagnosticBag diagnostics)
    {
        var top = new Place(file, 1, 1);
        if (text.Length > LengthLimit)
        {
            diagnostics.Error(top, $"the file is longer than {LengthLimit >> 20} MiB");
            return null;
        }

        var control = text.AsSpan().IndexOfAny(s_controls); // YAML forbids them, and the scanner stumbles over some
        if (control >= 0)
        {
            var before = text.AsSpan(0, control);
            var place = new Place(file, 1 + before.Count('\n'), control - before.LastIndexOf('\n'));
            diagnostics.Error(place, $"the control character U+{(int)text[control]:X4} is not allowed in YAML");
            return null;
        }

        try
        {
            return new YamlReader(text, file, diagnostics).ReadDocument(top);
        }
        catch (YamlException mistake)
        {
            var place = new Place(file, (int)mistake.Start.Line, (int)mistake.Start.Column);
            diagnostics.Error(place, $"this is not valid YAML: {Reason(mistake)}");
            return null;
        }
    }

    private MapNode? ReadDocument(Place top)
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out _))
        {
            _diagnostics.Error(top, "the file is empty");
            return null;
        }

        _parser.Consume<DocumentStart>();
        var node = ReadNode();
        _parser.Consume<DocumentEnd>();
        if (!_parser.Accept<StreamEnd>(out _))
        {
            _diagnostics.Error(PlaceOf(_parser.Current!.Start), "the file holds more than one YAML document");
        }

        if (node is MapNode map)
        {
            return map;
        }

        _diagnostics.Error(node.Place, "the file must be a mapping with the key 'services'");
        return null;
    }

    private YamlNode ReadNode()
    {
        if (_parser.TryConsume<AnchorAlias>(out var alias))
        {
            return Resolve(alias);
        }

        if (++_depth > DepthLimit)
        {
            throw new YamlException(_parser.Current!.Start, _parser.Current.End, $"nested more than {DepthLimit} deep");
        }

        if (_parser.Current is not NodeEvent start)
        {
            throw new YamlException(_parser.Current!.Start, _parser.Current.End, "a key or a value is missing here"); // the scanner lets some pass
        }

        YamlNode node = start switch
        {
            Scalar => ReadScalar(),
            SequenceStart => ReadList(),
            _ => ReadMap(),
        };
        _depth--;
        if (!start.Anchor.IsEmpty)
        {
            _anchors[start.Anchor.Value] = node;
        }

        if (node.Size > SizeLimit)
        {
            throw new YamlException(start.Start, start.End, $"it holds more than {SizeLimit} values once its aliases are written out");
        }

        return node;
    }

    private YamlNode Resolve(AnchorAlias alias) => _anchors.TryGetValue(alias.Value.Value, out var node)
        ? node
        : throw new YamlException(alias.Start, alias.End, $"no anchor '{alias.Value.Value}' stands before this alias");

    private ScalarNode ReadScalar()
    {
        var scalar = _parser.Consume<Scalar>();
        return new ScalarNode(PlaceOf(scalar.Start), TagOf(scalar), scalar.Value, scalar.Style == ScalarStyle.Plain && !IsText(scalar));
    }

    private ListNode ReadList()
    {
        var start = _parser.Consume<SequenceStart>();
        var items = new List<YamlNode>();
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(ReadNode());
        }

        return new ListNode(PlaceOf(start.Start), TagOf(start), items);
    }

    private MapNode ReadMap()
    {
        var start = _parser.Consume<MappingStart>();
        var entries = new List<MapEntry>();
        var merged = new List<YamlNode>();
        var keys = new HashSet<string>(StringComparer.Ordinal);
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            if (ReadNode() is not ScalarNode key)
            {
                throw new YamlException(start.Start, start.End, "a key must be a plain word");
            }

            var value = ReadNode();
            if (key is { Text: "<<", IsPlain: true })
            {
                merged.Add(value);
            }
            else if (keys.Add(key.Text))
            {
                entries.Add(new MapEntry(key.Text, key.Place, value));
            }
            else
            {
                _diagnostics.Error(key.Place, $"the key '{key.Text}' is given twice");
            }
        }

        foreach (var source in merged.SelectMany(Sources))
        {
            entries.AddRange(source.Entries.Where(entry => keys.Add(entry.Key)));
        }

        return new MapNode(PlaceOf(start.Start), TagOf(start), entries);
    }

    /// <summary>What <c>&lt;&lt;</c> names: one mapping, or a list of them of which the first has precedence.</summary>
    private IEnumerable<MapNode> Sources(YamlNode node)
    {
        IReadOnlyList<YamlNode> all = node is ListNode list ? list.Items : [node];
        foreach (var one in all.Where(one => one is not MapNode))
        {
            _diagnostics.Error(one.Place, "the merge key '<<' needs a mapping");
        }

        return all.OfType<MapNode>();
    }

    private MergeTag TagOf(NodeEvent node)
    {
        if (node.Tag.IsEmpty || node.Tag.IsNonSpecific)
        {
            return MergeTag.None;
        }

        switch (node.Tag.Value)
        {
            case "!reset":
                return MergeTag.Reset;
            case "!override":
                return MergeTag.Override;
            case var tag when tag.StartsWith("tag:yaml.org,2002:", StringComparison.Ordinal):
                return MergeTag.None;
            default:
                _diagnostics.Error(PlaceOf(node.Start), $"the YAML tag '{node.Tag.Value}' is not known here; !reset and !override are");
                return MergeTag.None;
        }
    }

    private static bool IsText(Scalar scalar) => !scalar.Tag.IsEmpty && scalar.Tag.Value == "tag:yaml.org,2002:str";

    private Place PlaceOf(Mark mark) => new(_file, (int)mark.Line, (int)mark.Column);

    private static string Reason(YamlException mistake) => mistake.InnerException?.Message ?? mistake.Message;
}
