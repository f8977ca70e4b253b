// Events as they happen, and those of the past.
import { assert, docker, text } from './common.mjs';

const started = Math.floor(Date.now() / 1000) - 1;
const stream = await docker.getEvents({ filters: { type: ['container'], label: ['watched=node'] } });
const seen = [];
const gone = new Promise(resolve => {
  let rest = '';
  stream.on('data', chunk => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    seen.push(...lines.filter(Boolean).map(line => JSON.parse(line)));
    if (seen.at(-1)?.Action === 'destroy') resolve();
  });
});
const container = await docker.createContainer({ Image: 'box', Cmd: ['true'], name: 'watched', Labels: { watched: 'node' } });
await container.start();
await container.wait();
await container.remove();
await gone;
stream.destroy();
assert.deepEqual(seen.map(event => event.Action), ['create', 'start', 'die', 'destroy']);
assert.deepEqual(seen.map(event => event.Actor.Attributes.name), Array(4).fill('watched'));
assert.equal(seen[2].Actor.Attributes.exitCode, '0');
assert(seen.every((event, index) => index === 0 || event.timeNano >= seen[index - 1].timeNano));

const past = await text(await docker.getEvents({ since: started, until: Math.floor(Date.now() / 1000) + 1, filters: { container: [container.id], event: ['create', 'die'] } }));
assert.deepEqual(past.trim().split('\n').map(line => JSON.parse(line).Action), ['create', 'die']);
