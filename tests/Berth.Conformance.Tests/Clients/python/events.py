# Events: as they happen, filtered, and those of the past.
import threading
import time
from common import client, eventually

started = int(time.time()) - 1
stream = client.events(decode=True, filters={"type": "container", "label": "watched=yes"})
seen = []


def listen():
    for event in stream:
        seen.append(event)
        if event["Action"] == "destroy":
            return


listener = threading.Thread(target=listen, daemon=True)
listener.start()
time.sleep(0.3)
client.containers.run("box", "true", remove=True)  # has no label, is not seen
container = client.containers.run("box", "sh -c 'exit 6'", detach=True, name="watched", labels={"watched": "yes"})
container.wait()
container.rename("renamed")
container.remove()
listener.join(15)
assert not listener.is_alive(), seen
assert [event["Action"] for event in seen] == ["create", "start", "die", "rename", "destroy"], seen
die = seen[2]["Actor"]
assert die["ID"] == container.id and die["Attributes"]["exitCode"] == "6" and die["Attributes"]["image"] == "box", die
assert seen[3]["Actor"]["Attributes"]["oldName"] == "/watched", seen[3]
stream.close()

past = list(client.events(since=started, until=int(time.time()) + 1, decode=True, filters={"event": ["die", "destroy"], "container": container.id}))
assert [event["Action"] for event in past] == ["die", "destroy"], past

network = client.networks.create("watched")
volume = client.volumes.create("watched")
volume.remove()
network.remove()
other = list(client.events(since=started, until=int(time.time()) + 1, decode=True, filters={"type": ["network", "volume"], "event": ["create", "destroy"]}))
assert [(event["Type"], event["Action"]) for event in other] == [("network", "create"), ("volume", "create"), ("volume", "destroy"), ("network", "destroy")], other
