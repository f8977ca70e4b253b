// What is there, by filters; and what is pruned.
import { assert, docker } from './common.mjs';

const make = (name, Labels, more = {}) => docker.createContainer({ Image: 'box', Cmd: ['sleep', '300'], name, Labels, ...more });
const one = await make('one', { group: 'a', n: '1' });
const two = await make('two', { group: 'a', n: '2' }, { ExposedPorts: { '80/tcp': {} }, HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } } });
const three = await make('three', { group: 'b' });
await two.start();
const names = async (filters, more = {}) => (await docker.listContainers({ all: true, filters, ...more })).map(container => container.Names[0]).sort();
assert.deepEqual(await names({}), ['/one', '/three', '/two']);
assert.deepEqual(await names({ label: ['group=a'] }), ['/one', '/two']);
assert.deepEqual(await names({ label: ['group=a', 'n=2'] }), ['/two']);
assert.deepEqual(await names({ status: ['running'] }), ['/two']);
assert.deepEqual(await names({ name: ['t'] }), ['/three', '/two']);
assert.deepEqual(await names({ ancestor: ['box'], status: ['created'] }), ['/one', '/three']);
assert.deepEqual(await names({}, { limit: 1 }), ['/three']);
await assert.rejects(docker.listContainers({ filters: { nonsense: ['x'] } }), { statusCode: 400 });

const [listed] = await docker.listContainers();
assert.deepEqual([listed.Image, listed.State, listed.Labels], ['box', 'running', { group: 'a', n: '2' }]);
assert(listed.Ports.some(port => port.PrivatePort === 80 && port.IP === '127.0.0.1' && port.PublicPort > 0), JSON.stringify(listed.Ports));
const seen = await two.inspect({ size: true });
assert.equal(seen.NetworkSettings.Ports['80/tcp'][0].HostPort, String(listed.Ports.find(port => port.PrivatePort === 80).PublicPort));
assert(seen.SizeRootFs > 0 && seen.Image.startsWith('sha256:') && seen.Path === 'sleep' && seen.Args[0] === '300');

const network = await docker.createNetwork({ Name: 'lists', Labels: { group: 'a' } });
await network.connect({ Container: 'two', EndpointConfig: { Aliases: ['alias'] } });
assert(Object.values((await network.inspect()).Containers).some(container => container.Name === 'two'));
await network.disconnect({ Container: 'two', Force: true });
const volume = await docker.createVolume({ Name: 'lists', Labels: { group: 'a' } });
assert.equal((await volume.inspect()).Scope, 'local');
assert.deepEqual((await docker.listVolumes({ filters: { label: ['group=a'] } })).Volumes.map(found => found.Name), ['lists']);
assert.deepEqual((await docker.listNetworks({ filters: { label: ['group=a'] } })).map(found => found.Name), ['lists']);

assert.deepEqual((await docker.pruneContainers({ filters: { label: ['group=b'] } })).ContainersDeleted, [three.id]);
assert.deepEqual((await docker.pruneContainers()).ContainersDeleted, [one.id]);
assert.deepEqual((await docker.pruneNetworks({ filters: { label: ['group=a'] } })).NetworksDeleted, ['lists']);
assert.deepEqual((await docker.pruneVolumes({ filters: { all: ['true'] } })).VolumesDeleted, ['lists']);
await two.remove({ force: true });
assert.deepEqual(await docker.listContainers({ all: true }), []);
const info = await docker.info();
assert.deepEqual([info.Containers, info.ContainersRunning], [0, 0]);
assert.equal((await docker.ping()).toString(), 'OK');
assert((await docker.df()).Images.length >= 1);
