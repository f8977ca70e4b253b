// Files into a container and out of it.
import { archive, assert, docker, readArchive, withSleeper } from './common.mjs';

await withSleeper({}, async container => {
  await container.putArchive(archive({ 'a.txt': 'a\n', 'deep/b.txt': 'b\n' }), { path: '/desk' });
  assert.deepEqual(await readArchive(await container.getArchive({ path: '/desk' })), { 'desk/a.txt': 'a\n', 'desk/deep/b.txt': 'b\n' });
  const info = await container.infoArchive({ path: '/desk/deep/b.txt' });
  info.resume(); // or its connection stays in use
  const stat = JSON.parse(Buffer.from(info.headers['x-docker-container-path-stat'], 'base64'));
  assert.deepEqual([stat.name, stat.size], ['b.txt', 2]);
  await assert.rejects(container.getArchive({ path: '/nowhere' }), { statusCode: 404 });
  await assert.rejects(container.putArchive(archive({ a: '' }), { path: '/nowhere' }), { statusCode: 404 });
  const changes = await container.changes();
  assert(changes.some(change => change.Path === '/desk/deep/b.txt' && change.Kind === 1), JSON.stringify(changes));

  const exported = await readArchive(await container.export());
  assert.equal(exported['desk/a.txt'], 'a\n');
  const committed = await container.commit({ repo: 'committed', changes: 'CMD cat /desk/a.txt' });
  assert.equal((await docker.getImage('committed').inspect()).Id, committed.Id);
  const saved = await readArchive(await docker.getImage('committed').get());
  assert(saved['manifest.json'].includes('committed:latest'));
  await docker.getImage('committed').remove();
});
