// Options that no command line has, or that are seldom used, as the API takes them.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { assert, demux, docker, eventually, withSleeper } from './common.mjs';

/** Runs a script to its end; returns its output and the inspection. */
async function program(script, options, HostConfig = {}) {
  const container = await docker.createContainer({ Image: 'box', Cmd: ['sh', '-c', script], ...options, HostConfig });
  try {
    const output = demux(await container.attach({ stream: true, stdout: true, stderr: true }));
    await container.start();
    const [printed, complained] = await output;
    assert.equal((await container.wait()).StatusCode, 0, complained);
    return [printed, await container.inspect()];
  } finally {
    await container.remove({ v: true });
  }
}

assert.equal((await program('ls /sys/class/net', { NetworkDisabled: true }))[0], 'lo\n');
assert.deepEqual((await program('true', { Shell: ['/bin/ash', '-c'] }))[1].Config.Shell, ['/bin/ash', '-c']);
const [named] = await program('echo $0 $1', { Entrypoint: ['sh', '-c', 'echo $0 $1'], Cmd: ['zero', 'one'] });
assert.equal(named, 'zero one\n');

const tmpfs = { Type: 'tmpfs', Target: '/scratch', TmpfsOptions: { SizeBytes: 1 << 20, Mode: 0o700, Options: [['exec']] } };
const [mounted] = await program('grep " /scratch " /proc/mounts; stat -c "%a %u" /scratch', {}, { Mounts: [tmpfs] });
assert.doesNotMatch(mounted, /noexec/);
assert.match(mounted, /size=1024k/);
assert.match(mounted, /\n700 0\n$/);

await assert.rejects(program('true', {}, { Mounts: [{ ...tmpfs, TmpfsOptions: { Options: [['uid', '7']] } }] }), { statusCode: 400, message: /invalid option: uid/ });
const labelled = { Type: 'volume', Source: 'labelled', Target: '/data', VolumeOptions: { Labels: { l: 'v' }, DriverConfig: { Name: 'local' } } };
await program('echo kept >/data/file', {}, { Mounts: [labelled] });
assert.deepEqual((await docker.getVolume('labelled').inspect()).Labels, { l: 'v' });
assert.equal((await program('cat /data/file', {}, { Binds: ['labelled:/data:ro'], VolumeDriver: 'local' }))[0], 'kept\n');
await docker.getVolume('labelled').remove();

const folder = mkdtempSync(tmpdir() + '/berth-client-');
try {
  await program('echo bound >/data/file', {}, { Mounts: [{ Type: 'bind', Source: folder + '/made', Target: '/data', BindOptions: { CreateMountpoint: true } }] });
  assert.equal(readFileSync(folder + '/made/file', 'utf8'), 'bound\n');
} finally {
  rmSync(folder, { recursive: true });
}

const rates = [{ Path: '/dev/' + readdirSync('/sys/block')[0], Rate: 1 << 20 }];
const [, slow] = await program('true', {}, { BlkioDeviceWriteBps: rates, BlkioDeviceReadIOps: rates });
assert.deepEqual([slow.HostConfig.BlkioDeviceWriteBps, slow.HostConfig.BlkioDeviceReadIOps], [rates, rates]);

const limits = { Memory: 64 << 20, MemorySwappiness: 10, OomKillDisable: false, CpuShares: 300, PidsLimit: 40 };
const [, seen] = await program('true', {}, limits);
assert.deepEqual([seen.HostConfig.Memory, seen.HostConfig.CpuShares, seen.HostConfig.PidsLimit], [64 << 20, 300, 40]);
assert.equal((await program('cat /proc/self/oom_score_adj; id -G', { User: '5:6' }, { OomScoreAdj: 77, GroupAdd: ['9'] }))[0], '77\n6 9\n');
const hidden = { MaskedPaths: ['/proc/uptime'], ReadonlyPaths: ['/proc/sys/kernel'] };
assert.equal((await program('wc -c </proc/uptime; grep -c " /proc/sys/kernel proc ro" /proc/mounts', {}, hidden))[0], '0\n1\n');

// Looked at often while it starts, however seldom afterwards.
const minute = 60e9;
await withSleeper({ Healthcheck: { Test: ['CMD', 'test', '-e', '/desk/well'], Interval: minute, Timeout: minute, StartPeriod: minute, StartInterval: 100e6, Retries: 1 } }, async container => {
  assert.equal((await container.inspect()).State.Health.Status, 'starting');
  const exec = await container.exec({ Cmd: ['touch', '/desk/well'] });
  (await exec.start({ Detach: true })).resume();
  await eventually(async () => (await container.inspect()).State.Health.Status === 'healthy');
});

const network = await docker.createNetwork({ Name: 'chosen', IPAM: { Config: [{ Subnet: '10.198.9.0/24' }] } });
const endpoint = { chosen: { IPAMConfig: { IPv4Address: '10.198.9.9' }, Aliases: ['alias'], MacAddress: '02:42:0a:c6:09:09' } };
const [addresses, joined] = await program('ip addr show eth0', { NetworkingConfig: { EndpointsConfig: endpoint } }, { NetworkMode: 'chosen' });
assert.match(addresses, /10\.198\.9\.9\/24/);
assert.match(addresses, /02:42:0a:c6:09:09/i);
assert(joined.NetworkSettings.Networks.chosen.Aliases.includes('alias'));
await network.remove();
