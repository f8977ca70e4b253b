// Commands in a container that runs, over a hijacked connection.
import { assert, demux, docker, text, withSleeper } from './common.mjs';

await withSleeper({ Env: ['A=container'] }, async container => {
  const exec = await container.exec({ Cmd: ['sh', '-c', 'cat; echo $A $B >&2; exit 7'], Env: ['B=exec'], AttachStdin: true, AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({ hijack: true, stdin: true });
  const read = demux(stream);
  stream.end('typed\n');
  assert.deepEqual(await read, ['typed\n', 'container exec\n']);
  const seen = await exec.inspect();
  assert.deepEqual([seen.ExitCode, seen.Running, seen.ContainerID], [7, false, container.id]);

  const plain = await container.exec({ Cmd: ['sh', '-c', 'for i in 1 2 3; do echo $i; sleep 0.1; done'], AttachStdout: true });
  assert.deepEqual(await demux(await plain.start({})), ['1\n2\n3\n', '']);

  const terminal = await container.exec({ Cmd: ['sh', '-c', 'read x; stty size'], Tty: true, AttachStdin: true, AttachStdout: true });
  const screen = await terminal.start({ hijack: true, stdin: true, Tty: true });
  const shown = text(screen);
  await terminal.resize({ h: 31, w: 77 });
  screen.write('\n');
  assert.match(await shown, /31 77/);

  await assert.rejects(docker.getExec('0'.repeat(64)).inspect(), { statusCode: 404 });
  await container.stop({ t: 0 });
  await assert.rejects(container.exec({ Cmd: ['true'] }), { statusCode: 409 });
});
