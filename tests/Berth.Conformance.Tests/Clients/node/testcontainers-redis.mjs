// A database from Debian's packages, built, started, asked and stopped by a test.
import { connect } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { GenericContainer, Wait } from 'testcontainers';
import { assert } from './common.mjs';

const folder = mkdtempSync(tmpdir() + '/berth-client-');
let image;
try {
  writeFileSync(folder + '/Dockerfile', `FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/*
EXPOSE 6379
CMD ["redis-server", "--protected-mode", "no", "--appendonly", "yes", "--dir", "/tmp"]
`);
  image = await GenericContainer.fromDockerfile(folder).build('redis-of-tests:v1', { deleteOnExit: false });
} finally {
  rmSync(folder, { recursive: true });
}

const redis = await image.withExposedPorts(6379)
  .withWaitStrategy(Wait.forAll([Wait.forLogMessage(/Ready to accept connections/), Wait.forListeningPorts()])).start();

/** Sends commands in Redis's inline form; returns what comes back once the last of them, a QUIT, was answered. */
const ask = (...commands) => new Promise((resolve, reject) => {
  let answer = '';
  const socket = connect(redis.getMappedPort(6379), redis.getHost(), () => socket.write([...commands, 'QUIT', ''].join('\r\n')));
  socket.on('data', data => { answer += data; }).on('end', () => resolve(answer)).on('error', reject);
});

assert.equal(await ask('PING', 'SET key value', 'INCR count', 'INCR count', 'GET key'), '+PONG\r\n+OK\r\n:1\r\n:2\r\n$5\r\nvalue\r\n+OK\r\n');
assert.equal((await redis.exec(['redis-cli', 'GET', 'key'])).output.trim(), 'value');
await redis.restart(); // it wrote down what it was told
assert.equal(await ask('GET count'), '$1\r\n2\r\n+OK\r\n');
const name = redis.getName();
await redis.stop();
await assert.rejects(ask('PING'));
assert(name.startsWith('/'));
