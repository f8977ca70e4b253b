# Devices that their vendor describes in a file (Container Device Interface). The devices of these vendors are nodes that every machine has.

#: a device that its vendor describes
dir=$(docker info -f '{{index .CDISpecDirs 0}}'); mkdir -p "$dir"; trap 'rm -f "$dir"/*' EXIT; echo library >lib
cat >"$dir/vendor.yaml" <<E
cdiVersion: "0.7.0"
kind: vendor.com/class
containerEdits:
  env: [COMMON=yes, B=vendor]
  additionalGids: [1234]
devices:
- name: one
  containerEdits:
    deviceNodes:
    - path: /dev/mine
      hostPath: /dev/null
      permissions: rw
    mounts:
    - hostPath: $folder/lib
      containerPath: /opt/vendor/lib
      options: [ro, nosuid, bind]
    hooks:
    - hookName: createRuntime
      path: /bin/sh
      args: [sh, -c, "echo hooked >$folder/hook"]
- name: "2"
  containerEdits:
    env: [TWO=2, A=two]
    deviceNodes:
    - {path: /dev/zero2, type: c, major: 1, minor: 5, fileMode: 0600, uid: 7, gid: 8}
E
docker run --rm --device vendor.com/class=one -e A=own -e B=own box sh -c 'echo $A $B $COMMON $TWO; cat /opt/vendor/lib; stat -c "%F %a %u %g %t %T" /dev/mine; echo x >/dev/mine && echo written; echo x >/opt/vendor/lib'
cat hook
docker run --rm --device vendor.com/class=one --device vendor.com/class=2 box sh -c 'echo $A $B $COMMON $TWO; stat -c "%F %a %u %g %t %T" /dev/zero2; head -c 3 /dev/zero2 | wc -c'
docker run --rm -u 7:9 --device vendor.com/class=one box stat -c '%F %a' /dev/mine
docker run -d --name keeps --device vendor.com/class=one box sleep 1000 >id; docker exec keeps sh -c 'echo "$COMMON"; test -c /dev/mine && echo there'; docker restart -t 0 keeps; docker exec keeps test -c /dev/mine && echo there again

#: what is described and what is not
dir=$(docker info -f '{{index .CDISpecDirs 0}}'); mkdir -p "$dir"; trap 'rm -f "$dir"/*' EXIT
echo '{"cdiVersion": "0.6.0", "kind": "vendor.com/class", "devices": [{"name": "a", "containerEdits": {"env": ["A=1"]}}, {"name": "b", "containerEdits": {"env": ["B=1"]}}]}' >"$dir/one.json"
docker info -f '{{json .DiscoveredDevices}}'
docker run --rm --device vendor.com/class=b box sh -c 'echo "$A-$B"'
words() { try "$@" 2>&1 | grep -o 'unresolvable CDI devices [^ ;:]*\|could not select device driver "[a-z]*" with capabilities: \[\[[a-z ]*\]\]\|^-> .*'; }
words docker run --rm --device vendor.com/class=c box true
words docker run --rm --device other.com/class=a box true
words docker run --rm --gpus all box true
words docker run --rm --gpus 1,driver=mine box true
rm "$dir/one.json"; words docker run --rm --device vendor.com/class=a box true
docker info -f '{{json .DiscoveredDevices}}'

#: what is asked for
show() { docker create --name asks "$@" box true >id 2>errors; docker inspect -f '{{json .HostConfig.DeviceRequests}} {{json .HostConfig.Devices}}' asks; docker rm asks >id; }
show --device vendor.com/class=one --device vendor.com/class=2 --device /dev/null
show --gpus all; show --gpus 2; show --gpus device=0
show --gpus '"device=0,1",driver=nvidia,"capabilities=utility,compute","options=a=b,c=d"'
show --gpus count=all --device vendor.com/class=one
for wrong in x 1,count=2 color=red; do try docker create --gpus "$wrong" box true 2>&1 | grep -o 'invalid count.*\|gpu request key.*\|unexpected key.*\|^-> .*' | sed 's/"* for "--gpus.*//'; done

#: devices of services
dir=$(docker info -f '{{index .CDISpecDirs 0}}'); mkdir -p "$dir"; trap 'rm -f "$dir"/*' EXIT
echo '{"cdiVersion": "0.6.0", "kind": "vendor.com/class", "devices": [{"name": "a", "containerEdits": {"env": ["A=1"], "deviceNodes": [{"path": "/dev/mine", "hostPath": "/dev/null"}]}}, {"name": "b", "containerEdits": {"env": ["B=1"]}}]}' >"$dir/one.json"
cat >compose.yaml <<'E'
name: p
services:
  named: {image: box, command: sleep 1000, init: true, devices: [vendor.com/class=a, /dev/zero, vendor.com/class=b]}
  reserved: {image: box, command: sleep 1000, init: true, deploy: {resources: {reservations: {devices: [{driver: cdi, device_ids: [vendor.com/class=b], capabilities: [any]}]}}}}
  chosen: {image: box, profiles: [gpu], gpus: [{driver: mine, count: 2, capabilities: [utility], options: {a: b}}, {device_ids: ['0']}], deploy: {resources: {reservations: {devices: [{capabilities: [gpu, tpu]}]}}}, devices: [vendor.com/class=a]}
E
compose up -d 2>/dev/null; state
compose exec -T named sh -c 'echo $A $B; stat -c "%t %T" /dev/mine'; compose exec -T reserved sh -c 'echo $A $B'
docker inspect -f '{{json .HostConfig.DeviceRequests}} {{json .HostConfig.Devices}}' p-named-1 p-reserved-1
docker inspect -f '{{.Id}}' p-named-1 p-reserved-1 >before; compose up -d 2>/dev/null; docker inspect -f '{{.Id}}' p-named-1 p-reserved-1 | cmp - before && echo left alone
compose --profile gpu create 2>/dev/null; docker inspect -f '{{json .HostConfig.DeviceRequests}}' p-chosen-1
try compose --profile gpu up -d chosen 2>&1 | grep -o 'could not select device driver "[a-z]*" with capabilities: \[\[[a-z ]*\]\]\|^-> .*'
compose --profile gpu down 2>/dev/null; state
