// Builds and pulls, followed line by line; and how they fail.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { archive, assert, demux, docker, follow } from './common.mjs';

const lines = await follow(await docker.buildImage(archive({ Dockerfile: 'FROM box\nARG WHO\nCOPY a.txt /a.txt\nRUN echo hello $WHO >/hello\nCMD cat /a.txt /hello\n', 'a.txt': 'a\n' }),
  { t: 'built:v1', buildargs: JSON.stringify({ WHO: 'you' }), labels: JSON.stringify({ l: 'v' }) }));
assert(lines.some(line => /^Step 4\/[56] : RUN echo hello/.test(line.stream ?? '')), JSON.stringify(lines));
assert(lines.some(line => line.stream?.includes('Successfully tagged built:v1')));
const image = await docker.getImage('built:v1').inspect();
assert.equal(lines.find(line => line.aux)?.aux.ID, image.Id);
assert.equal(image.Config.Labels.l, 'v');
const container = await docker.createContainer({ Image: 'built:v1' });
const output = demux(await container.attach({ stream: true, stdout: true, stderr: true }));
await container.start();
assert.deepEqual(await output, ['a\nhello you\n', '']);
await container.wait();
await container.remove();

await assert.rejects(async () => follow(await docker.buildImage(archive({ Dockerfile: 'FROM box\nRUN exit 9\n' }))), /returned a non-zero code: 9/);

const folder = mkdtempSync(tmpdir() + '/berth-client-');
try {
  writeFileSync(folder + '/Dockerfile', 'FROM box\nCOPY kept ignored* /all/\nRUN ls /all >/list\n');
  writeFileSync(folder + '/kept', '');
  writeFileSync(folder + '/ignored', '');
  writeFileSync(folder + '/.dockerignore', 'ignored\n');
  await follow(await docker.buildImage({ context: folder, src: ['Dockerfile', 'kept', 'ignored', '.dockerignore'] }, { t: 'built:v2' }));
} finally {
  rmSync(folder, { recursive: true });
}
const listed = await docker.run('built:v2', ['sh', '-c', 'test "$(cat /list)" = kept'], process.stderr, {});
assert.equal(listed[0].StatusCode, 0);
await listed[1].remove();

await assert.rejects(async () => follow(await docker.pull('127.0.0.1:1/nothing:here')), /127\.0\.0\.1:1/);
await assert.rejects(docker.getImage('nothing:here').inspect(), { statusCode: 404, json: { message: 'No such image: nothing:here' } });

await docker.getImage('built:v1').tag({ repo: 'other', tag: 'name' });
assert.deepEqual((await docker.getImage('other:name').inspect()).RepoTags.sort(), ['built:v1', 'other:name']);
const history = await docker.getImage('built:v1').history();
assert(history.some(entry => entry.CreatedBy.includes('echo hello')), JSON.stringify(history));
const removed = await docker.getImage('other:name').remove();
assert.deepEqual(removed, [{ Untagged: 'other:name' }]);
await docker.getImage('built:v1').remove();
await docker.getImage('built:v2').remove();
