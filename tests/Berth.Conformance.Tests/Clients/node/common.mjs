// What the jobs share. Each job is a script: it ends with an assertion's message, or with nothing.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import Docker from 'dockerode';
import tar from 'tar-stream';

export { assert, pause };
export const docker = new Docker({ socketPath: process.env.DOCKER_HOST.replace('unix://', '') });

/** All that a stream brings, as text. */
export async function text(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

/** Both streams of an attached program, apart; ready once it has ended. */
export async function demux(stream) {
  const out = new PassThrough(), err = new PassThrough();
  docker.modem.demuxStream(stream, out, err);
  const both = Promise.all([text(out), text(err)]);
  await new Promise((resolve, reject) => stream.on('end', resolve).on('close', resolve).on('error', reject));
  out.end();
  err.end();
  return both;
}

/** A tar archive of files: name -> text. */
export function archive(files) {
  const pack = tar.pack();
  for (const [name, content] of Object.entries(files)) pack.entry({ name, mode: 0o644 }, content);
  pack.finalize();
  return pack;
}

/** The files of an archive: name -> text. */
export async function readArchive(stream) {
  const files = {}, extract = tar.extract();
  stream.pipe(extract);
  for await (const entry of extract) {
    const content = await text(entry);
    if (entry.header.type === 'file') files[entry.header.name] = content;
  }
  return files;
}

/** Follows a build or pull; returns its lines, or throws its error. */
export const follow = stream => new Promise((resolve, reject) => docker.modem.followProgress(stream, (error, lines) => {
  const failure = error ?? lines.find(line => line.error); // the library leaves errors in lines to its caller
  if (failure) reject(new Error(failure.error ?? failure.message)); else resolve(lines);
}));

/** Asks until the answer is true, and returns it. */
export async function eventually(question, patience = 15000) {
  const end = Date.now() + patience;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    assert(Date.now() < end, 'it never came about');
    await pause(50);
  }
}

/** A container that waits, and is gone after the block. */
export async function withSleeper(options, block) {
  const container = await docker.createContainer({ Image: 'box', Cmd: ['sleep', '300'], ...options });
  try {
    await container.start();
    return await block(container);
  } finally {
    await container.remove({ force: true, v: true });
  }
}
