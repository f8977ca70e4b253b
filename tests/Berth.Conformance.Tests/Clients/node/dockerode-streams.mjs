// What goes on while a container runs: figures, logs, processes.
import { assert, demux, docker, pause, text, withSleeper } from './common.mjs';

await withSleeper({ Cmd: ['sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done'], HostConfig: { Memory: 64 << 20 } }, async container => {
  const once = await container.stats({ stream: false });
  assert.equal(once.memory_stats.limit, 64 << 20);
  assert(once.pids_stats.current >= 1 && once.cpu_stats.online_cpus > 0);

  const stream = await container.stats({ stream: true });
  const reads = [];
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    reads.push(...lines.filter(Boolean).map(line => JSON.parse(line).read));
    if (reads.length >= 2) break;
  }
  assert(reads[0] < reads[1], reads);

  const logs = await container.logs({ follow: true, stdout: true, stderr: true, tail: 2 });
  const followed = demux(logs);
  await pause(300);
  await container.kill();
  const lines = (await followed)[0].trim().split('\n').map(Number);
  assert(lines.length > 4 && lines.every((line, index) => line === lines[0] + index), lines);

  await container.start();
  const top = await container.top();
  assert(top.Titles.includes('CMD') && top.Processes.length >= 1);
  await container.update({ Memory: 80 << 20, MemorySwap: 80 << 20 });
  assert.equal((await container.stats({ stream: false })).memory_stats.limit, 80 << 20);
  await container.pause();
  assert.equal((await container.inspect()).State.Status, 'paused');
  await container.unpause();
  const whole = await container.logs({ follow: false, stdout: true, timestamps: true, tail: 1 });
  assert.match(whole.toString(), /\d{4}-\d\d-\d\dT[\d:.]+Z \d+\n$/);
});
