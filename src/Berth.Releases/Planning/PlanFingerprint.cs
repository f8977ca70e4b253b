using System.Security.Cryptography;
using System.Text;
using Berth.Compose.Model;
using Berth.Compose.Output;

namespace Berth.Releases.Planning;

/// <summary>A fingerprint of a plan and of all that it was made from: it differs as soon as the files, the images or what runs is not as it was.</summary>
public static class PlanFingerprint
{
    /// <summary>Lower-case hex of a SHA-256.</summary>
    public static string Of(ProjectModel project, ActualProject actual, Plan plan)
    {
        var text = new StringBuilder();
        void Line(params IEnumerable<string?> words) => text.AppendJoin('\0', words).Append('\n');
        Line(ComposeWriter.WriteJson(project));
        foreach (var (key, secret) in project.Secrets.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            Line("secret", key, secret.Content);
        }

        foreach (var container in actual.Containers.OrderBy(container => container.Id, StringComparer.Ordinal))
        {
            Line("container", container.Id, container.Name, container.ConfigHash, container.ImageId, container.State.ToString());
            Line((container.Changes ?? []).SelectMany(change => new[] { change.Field, change.Old, change.New }));
        }

        actual.Networks.OrderBy(network => network.Id, StringComparer.Ordinal).ToList().ForEach(network => Line("network", network.Id, network.Name, network.ConfigHash));
        actual.Volumes.OrderBy(volume => volume.Name, StringComparer.Ordinal).ToList().ForEach(volume => Line("volume", volume.Name, volume.ConfigHash));
        actual.Images.OrderBy(image => image.Key, StringComparer.Ordinal).ToList().ForEach(image => Line("image", image.Key, image.Value.Id));
        plan.Images.Concat(plan.Actions).Select(PlanText.Of).ToList().ForEach(action => Line("action", action));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
