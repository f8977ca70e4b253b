// Created, attached to, started, waited for: output by stream, input, terminals.
import { PassThrough } from 'node:stream';
import { assert, demux, docker, text } from './common.mjs';

const container = await docker.createContainer({
  Image: 'box', Cmd: ['sh', '-c', 'while read line; do echo "got $line"; echo "heard $line" >&2; done; echo $A; exit 3'], Env: ['A=b'],
  OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true,
});
const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
const read = demux(stream);
const ended = container.wait({ condition: 'next-exit' });
await container.start();
stream.write('one\n');
stream.end('two\n'); // half closed: the program sees the end of its input
assert.deepEqual(await read, ['got one\ngot two\nb\n', 'heard one\nheard two\n']);
assert.equal((await ended).StatusCode, 3);
const state = (await container.inspect()).State;
assert.deepEqual([state.Status, state.ExitCode, state.Running], ['exited', 3, false]);
await container.remove();
await assert.rejects(container.inspect(), { statusCode: 404, reason: 'no such container' });

const out = new PassThrough(), err = new PassThrough();
const [printed, complained] = [text(out), text(err)];
const [result, ran] = await docker.run('box', ['sh', '-c', 'echo out; echo err >&2; exit 4'], [out, err], { Tty: false });
out.end();
err.end();
assert.deepEqual([result.StatusCode, await printed, await complained], [4, 'out\n', 'err\n']);
await ran.remove();

const screen = await docker.createContainer({ Image: 'box', Cmd: ['sh', '-c', 'stty size; test -t 1 && echo terminal'], Tty: true, HostConfig: { ConsoleSize: [41, 99] } });
const shown = await screen.attach({ stream: true, stdout: true });
const read2 = text(shown);
await screen.start();
assert.equal(await read2, '41 99\r\nterminal\r\n');
await screen.remove();
