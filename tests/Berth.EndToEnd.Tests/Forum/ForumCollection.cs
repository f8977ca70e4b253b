namespace Berth.EndToEnd.Tests.Forum;

/// <summary>One stack for all tests of the forum: it is built once, and they take turns.</summary>
[CollectionDefinition(Name)]
public sealed class ForumCollection : ICollectionFixture<ForumStack>
{
    public const string Name = "the forum";
}
