// Containers as tests of applications start them, waiting in each of the library's ways.
import { get } from 'node:http';
import { GenericContainer, Network, Wait } from 'testcontainers';
import { assert, text } from './common.mjs';

const fetched = (host, port, path) => new Promise((resolve, reject) => get({ host, port, path }, answer => text(answer).then(resolve, reject)).on('error', reject));

const network = await new Network().start();
const server = await new GenericContainer('box:latest')
  .withCommand(['sh', '-c', 'echo about to serve; exec httpd -f -v -p 80 -h /www'])
  .withCopyContentToContainer([{ content: 'hello from a test\n', target: '/www/index.html' }])
  .withNetwork(network).withNetworkAliases('web').withExposedPorts(80).withEnvironment({ A: 'b' }).withLabels({ l: 'v' })
  .withWaitStrategy(Wait.forAll([Wait.forLogMessage('about to serve'), Wait.forListeningPorts(), Wait.forHttp('/index.html', 80)])).start();
assert.equal(await fetched(server.getHost(), server.getMappedPort(80), '/index.html'), 'hello from a test\n');

const client = await new GenericContainer('box:latest').withCommand(['sleep', '300']).withNetwork(network)
  .withHealthCheck({ test: ['CMD-SHELL', 'wget -q -O /dev/null http://web/index.html'], interval: 200, timeout: 5000, retries: 20 }).withWaitStrategy(Wait.forHealthCheck()).start();
const asked = await client.exec(['wget', '-q', '-O', '-', 'http://web/index.html']);
assert.deepEqual([asked.exitCode, asked.output], [0, 'hello from a test\n']);
const failed = await client.exec(['sh', '-c', 'echo out; echo err >&2; exit 4'], { env: { X: 'y' }, workingDir: '/' });
assert.deepEqual([failed.exitCode, failed.stdout, failed.stderr], [4, 'out\n', 'err\n']);

await client.copyContentToContainer([{ content: 'later', target: '/desk/later' }]);
assert.equal((await client.exec(['cat', '/desk/later'])).output, 'later');
await server.restart();
assert.equal(await fetched(server.getHost(), server.getMappedPort(80), '/index.html'), 'hello from a test\n');

const once = await new GenericContainer('box:latest').withCommand(['sh', '-c', 'echo done']).withWaitStrategy(Wait.forOneShotStartup()).start();
assert.equal(await text(await once.logs()), 'done\n');
await assert.rejects(new GenericContainer('box:latest').withCommand(['sh', '-c', 'exit 1']).withWaitStrategy(Wait.forLogMessage('never')).withStartupTimeout(3000).start());
for (const container of [once, client, server]) await container.stop();
await network.stop();
