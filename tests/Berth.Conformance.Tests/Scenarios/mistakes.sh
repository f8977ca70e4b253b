#: bodies that are no JSON, or JSON of another kind
docker create --name cc box true >id
say() { echo "$1 ${3:-nothing}: $(api "$1" "$2" -H 'Content-Type: application/json' ${3:+-d "$3"} | tr '\n' ' ')"; }
for path in /containers/create /containers/cc/update /containers/cc/exec /networks/create /networks/none/connect /networks/none/disconnect /volumes/create /commit?container=cc; do
  echo "$path"; for body in '' '{' '[]' '"text"' '7' 'null' '{} {}' '{"a":'; do say POST "$path" "$body"; done
done
docker ps -aq | wc -l; docker network ls -q | wc -l; docker volume ls -q | wc -l

#: bodies that do not say that they are JSON
docker create --name cc box true >id
for path in /containers/create /containers/cc/update /containers/cc/exec /networks/create /volumes/create /commit?container=cc; do
  for kind in text/plain application/x-tar application/json\;charset=utf-8 'Application/JSON' ''; do
    echo "$path $kind: $(api POST "$path" -H "Content-Type: $kind" -d '{' | tr '\n' ' ')"
  done
done

#: fields of another type than they have
make() { echo "$1: $(api POST /containers/create -H 'Content-Type: application/json' -d "{\"Image\":\"box\",$1}" | tr '\n' ' ')"; }
make '"Image":5'; make '"Cmd":{"a":1}'; make '"Cmd":5'; make '"Cmd":[5]'; make '"Env":"A=b"'; make '"Env":[1]'; make '"Labels":["a"]'; make '"Labels":{"a":1}'
make '"Tty":"yes"'; make '"Tty":1'; make '"StopTimeout":"x"'; make '"StopTimeout":1.5'; make '"ExposedPorts":["80"]'; make '"Volumes":["/v"]'; make '"Healthcheck":5'
make '"Healthcheck":{"Test":"CMD true"}'; make '"Healthcheck":{"Interval":"1s"}'; make '"HostConfig":[]'; make '"HostConfig":{"Memory":"1g"}'; make '"HostConfig":{"Memory":1.5}'
make '"HostConfig":{"Memory":1e30}'; make '"HostConfig":{"PidsLimit":"x"}'; make '"HostConfig":{"PortBindings":[]}'; make '"HostConfig":{"Binds":"/a:/b"}'; make '"HostConfig":{"Mounts":{}}'
make '"HostConfig":{"RestartPolicy":"always"}'; make '"HostConfig":{"Sysctls":{"a":1}}'; make '"HostConfig":{"Ulimits":[{"Name":"nofile","Soft":"1"}]}'; make '"HostConfig":{"LogConfig":[]}'
make '"HostConfig":{"CapAdd":5}'; make '"HostConfig":{"Devices":["/dev/null"]}'; make '"NetworkingConfig":[]'; make '"NetworkingConfig":{"EndpointsConfig":[]}'
make '"NetworkingConfig":{"EndpointsConfig":{"bridge":5}}'; make '"NetworkingConfig":{"EndpointsConfig":{"bridge":{"Aliases":"x"}}}'
net() { echo "$1: $(api POST /networks/create -H 'Content-Type: application/json' -d "{\"Name\":\"nn\",$1}" | tr '\n' ' ')"; docker network rm nn >/dev/null 2>&1; }
net '"Name":5'; net '"Driver":[]'; net '"Internal":"yes"'; net '"IPAM":[]'; net '"IPAM":{"Config":{}}'; net '"IPAM":{"Config":[{"Subnet":5}]}'; net '"Options":{"a":1}'; net '"Labels":[]'
vol() { echo "$1: $(api POST /volumes/create -H 'Content-Type: application/json' -d "{\"Name\":\"vv\",$1}" | tr '\n' ' ')"; docker volume rm vv >/dev/null 2>&1; }
vol '"Name":5'; vol '"Driver":5'; vol '"DriverOpts":[]'; vol '"DriverOpts":{"a":1}'; vol '"Labels":"x"'
docker ps -aq | wc -l; docker network ls -q | wc -l; docker volume ls -q | wc -l

#: values that a container cannot have
make() { echo "$1: $(api POST /containers/create -H 'Content-Type: application/json' -d "{\"Image\":\"box\",$1}" | tr '\n' ' ')"; }
h() { make "\"HostConfig\":{$1}"; }
make '"Image":""'; make '"Image":"no such"'; make '"Image":"missing.example.invalid/x"'; make '"Hostname":"a b"'; make '"Domainname":"-"'; make '"WorkingDir":"relative"'; make '"StopSignal":"SIGNOPE"'
make '"Env":["=x"]'; make '"Env":[""]'; make '"ExposedPorts":{"x/tcp":{}}'; make '"ExposedPorts":{"80/xyz":{}}'; make '"ExposedPorts":{"99999":{}}'; make '"Volumes":{"relative":{}}'; make '"Volumes":{"/":{}}'
make '"Healthcheck":{"Interval":1}'; make '"Healthcheck":{"Timeout":5}'; make '"Healthcheck":{"Retries":-1}'; make '"Healthcheck":{"StartPeriod":1}'; make '"Healthcheck":{"Test":["NOPE"]}'
h '"Memory":1'; h '"Memory":-1'; h '"MemorySwap":5'; h '"Memory":20971520,"MemorySwap":10485760'; h '"MemorySwappiness":101'; h '"MemorySwappiness":-2'; h '"Memory":10485760,"MemoryReservation":20971520'
h '"NanoCpus":-1'; h '"NanoCpus":99000000000000'; h '"NanoCpus":1000000000,"CpuQuota":5000'; h '"CpuPeriod":5'; h '"CpuQuota":5'; h '"CpuShares":-1'; h '"CpusetCpus":"x"'; h '"CpusetCpus":"999"'; h '"CpusetMems":"77"'
h '"BlkioWeight":5'; h '"BlkioWeight":1001'; h '"OomScoreAdj":5000'; h '"ShmSize":-1'; h '"RestartPolicy":{"Name":"sometimes"}'; h '"RestartPolicy":{"Name":"always","MaximumRetryCount":3}'
h '"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":-1}'; h '"RestartPolicy":{"Name":"always"},"AutoRemove":true'; h '"PortBindings":{"80/tcp":[{"HostPort":"99999"}]}'; h '"PortBindings":{"80/tcp":[{"HostPort":"a"}]}'
h '"PortBindings":{"80/xyz":[{"HostPort":"80"}]}'; h '"PortBindings":{"x":[{"HostPort":"80"}]}'; h '"PortBindings":{"80/tcp":[{"HostIp":"nowhere","HostPort":"80"}]}'; h '"PortBindings":{"80/tcp":[{"HostPort":"90-80"}]}'
h '"Ulimits":[{"Name":"nope","Soft":1,"Hard":2}]'; h '"Ulimits":[{"Name":"nofile","Soft":5,"Hard":2}]'; h '"CapAdd":["NOPE"]'; h '"CapDrop":["NOPE"]'; h '"SecurityOpt":["nope"]'; h '"SecurityOpt":["seccomp=nojson"]'
h '"NetworkMode":"missing"'; h '"NetworkMode":"container:missing"'; h '"NetworkMode":"container:"'; h '"IpcMode":"nope"'; h '"IpcMode":"container:missing"'; h '"PidMode":"nope"'; h '"PidMode":"container:missing"'
h '"UTSMode":"nope"'; h '"UsernsMode":"nope"'; h '"CgroupnsMode":"nope"'; h '"Isolation":"nope"'; h '"Runtime":"nope"'; h '"LogConfig":{"Type":"nope"}'; h '"LogConfig":{"Type":"json-file","Config":{"nope":"1"}}'
h '"LogConfig":{"Type":"json-file","Config":{"max-size":"x"}}'; h '"LogConfig":{"Type":"json-file","Config":{"max-file":"0"}}'; h '"Binds":["/a"]'; h '"Binds":["/a:b"]'; h '"Binds":["/a:/b:zz"]'; h '"Binds":["/a:/b:ro:rw"]'; h '"Binds":["a b:/c"]'
h '"Binds":["/a:/"]'; h '"Binds":["/a:/x","/b:/x"]'; h '"Mounts":[{"Type":"nope","Target":"/a"}]'; h '"Mounts":[{"Type":"bind","Target":"/a"}]'; h '"Mounts":[{"Type":"bind","Source":"rel","Target":"/a"}]'
h '"Mounts":[{"Type":"volume"}]'; h '"Mounts":[{"Type":"tmpfs","Source":"/x","Target":"/a"}]'; h '"Mounts":[{"Type":"bind","Source":"/missing/here","Target":"/a"}]'; h '"Mounts":[{"Type":"volume","Source":"vv","Target":"/a","BindOptions":{"Propagation":"rslave"}}]'
h '"Tmpfs":{"/a":"bogus"}'; h '"Tmpfs":{"rel":""}'; h '"ExtraHosts":["a"]'; h '"Dns":["x"]'; h '"Links":["missing"]'; h '"VolumesFrom":["missing"]'; h '"VolumesFrom":["missing:zz"]'; h '"Sysctls":{"kernel.nope":"1"}'
h '"DeviceCgroupRules":["nope"]'; h '"Devices":[{"PathOnHost":"/dev/missing","PathInContainer":"/dev/x","CgroupPermissions":"rwm"}]'; h '"Devices":[{"PathOnHost":"/dev/null","PathInContainer":"/dev/x","CgroupPermissions":"q"}]'
h '"GroupAdd":["missing-group"]'; h '"StorageOpt":{"size":"1x"}'; h '"ReadonlyPaths":"x"'; h '"ConsoleSize":[1]'; h '"Init":"yes"'; h '"CgroupParent":"x/../y"'; h '"VolumeDriver":"nope"'
make '"NetworkingConfig":{"EndpointsConfig":{"missing":{}}}'; make '"NetworkingConfig":{"EndpointsConfig":{"bridge":{"IPAMConfig":{"IPv4Address":"x"}}}}'; make '"MacAddress":"zz"'; make '"Image":"box","Image":"missing.example.invalid/y"'
for name in a 'a%20b' '-a' '%2F' '%2Fa%2Fb' '.x' "$(printf 'n%.0s' {1..300})"; do echo "name ${name:0:20}: $(api POST "/containers/create?name=$name" -H 'Content-Type: application/json' -d '{"Image":"box"}' | tr '\n' ' ')"; done
echo "platform: $(api POST "/containers/create?platform=nope/nope" -H 'Content-Type: application/json' -d '{"Image":"box"}' | tr '\n' ' ')"

#: addresses that make no sense about containers
short() { tr '\r\n' '  ' | sed -E 's/^(.{250}).*([0-9]{3} *)$/\1 \2/'; }
docker run -d --name cc box sleep 1000 >id; docker create --name dd box true >id
get() { echo "$1: $(api GET "$1" | short)"; }
post() { echo "$1: $(api POST "$1" | short)"; }
for q in limit=x limit=-1 limit=1.5 all=maybe size=maybe 'filters={' 'filters=[]' 'filters={"nope":["x"]}' 'filters={"status":["nope"]}' 'filters={"health":["nope"]}' 'filters={"exited":["x"]}' 'filters={"before":["missing"]}' \
  'filters={"since":["missing"]}' 'filters={"network":["missing"]}' 'filters={"volume":["missing"]}' 'filters={"publish":["x"]}' 'filters={"is-task":["maybe"]}' 'filters={"ancestor":["missing"]}' 'filters={"name":["("]}' 'filters={"label":5}'; do
  get "/containers/json?$(sed 's/{/%7B/g; s/}/%7D/g; s/"/%22/g; s/\[/%5B/g; s/\]/%5D/g' <<<"$q")"
done
for p in json logs top stats changes export archive attach/ws; do get "/containers/missing/$p?stdout=1&path=/"; done
get '/containers/cc/logs'; get '/containers/cc/logs?stdout=1&tail=x'; get '/containers/cc/logs?stdout=1&since=x'; get '/containers/cc/logs?stdout=1&until=x'; get '/containers/cc/logs?stdout=maybe'
get '/containers/cc/top?ps_args=--nope'; get '/containers/dd/top'; get '/containers/cc/archive'; get '/containers/cc/archive?path='; get '/containers/cc/archive?path=/missing'; get '/containers/cc/nope'; get '/containers/'
for p in start stop kill restart pause unpause resize rename update wait exec attach; do post "/containers/missing/$p?h=1&w=1&name=x"; done
post '/containers/cc/stop?t=x'; post '/containers/cc/restart?t=x'; post '/containers/cc/kill?signal=NOPE'; post '/containers/cc/kill?signal=99'; post '/containers/cc/kill?signal=-1'; post '/containers/cc/stop?signal=NOPE'; post '/containers/dd/kill'
post '/containers/cc/resize'; post '/containers/cc/resize?h=x&w=1'; post '/containers/cc/resize?h=1'; post '/containers/cc/resize?h=-1&w=1'; post '/containers/dd/resize?h=1&w=1'; post '/containers/cc/wait?condition=nope'; post '/containers/cc/rename'; post '/containers/cc/rename?name=cc'
post '/containers/cc/rename?name=dd'; post '/containers/cc/rename?name=a%20b'; post '/containers/cc/start?detachKeys=nope-nope'; post '/containers/dd/pause'; post '/containers/dd/unpause'; post '/containers/cc/unpause'; post '/containers/cc/start'
post '/containers/prune?filters=%7B'; post '/containers/prune?filters=%7B%22nope%22%3A%5B%22x%22%5D%7D'; post '/containers/prune?filters=%7B%22until%22%3A%5B%22x%22%5D%7D'
echo "put: $(api PUT '/containers/cc/archive' | tr '\n' ' ')"; echo "put: $(api PUT '/containers/cc/archive?path=/missing' | tr '\n' ' ')"; echo "put: $(api PUT '/containers/cc/archive?path=/desk' --data-binary 'this is no archive at all' | short)"
echo "delete: $(api DELETE '/containers/cc' | tr '\n' ' ')"; echo "delete: $(api DELETE '/containers/missing' | tr '\n' ' ')"; echo "delete: $(api DELETE '/containers/cc?force=maybe' | tr '\n' ' ')"; echo "delete: $(api DELETE '/containers/dd?link=1' | tr '\n' ' ')"

#: addresses that make no sense about processes in containers
short() { tr '\r\n' '  ' | sed -E 's/^(.{250}).*([0-9]{3} *)$/\1 \2/'; }
docker run -d --name cc box sleep 1000 >id; docker create --name dd box true >id
run() { echo "$1: $(api POST /containers/cc/exec -H 'Content-Type: application/json' -d "$1" | tr '\n' ' ')"; }
run '{}'; run '{"Cmd":[]}'; run '{"Cmd":"true"}'; run '{"Cmd":[""]}'; run '{"Cmd":5}'; run '{"Cmd":["true"],"Env":"A=b"}'; run '{"Cmd":["true"],"DetachKeys":"nope-nope"}'; run '{"Cmd":["true"],"ConsoleSize":[1]}'
echo "stopped: $(api POST /containers/dd/exec -H 'Content-Type: application/json' -d '{"Cmd":["true"]}' | tr '\n' ' ')"
echo "missing: $(api POST /exec/missing/start -H 'Content-Type: application/json' -d '{}' | tr '\n' ' ')"; echo "missing: $(api GET /exec/missing/json | tr '\n' ' ')"; echo "missing: $(api POST '/exec/missing/resize?h=1&w=1' | tr '\n' ' ')"
begin() { id=$(api POST /containers/cc/exec -H 'Content-Type: application/json' -d "$1" | sed -n 's/.*"Id":"\([0-9a-f]*\)".*/\1/p'); echo "$1 $2: $(api POST "/exec/$id/start" -H 'Content-Type: application/json' -d "$2" | short)"; }
begin '{"Cmd":["true"]}' '['; begin '{"Cmd":["true"]}' '{"Detach":"x"}'; begin '{"Cmd":["true"]}' '{"Detach":true}'; begin '{"Cmd":["missing"]}' '{"Detach":true}'; begin '{"Cmd":["true"],"User":"nobody-here"}' '{"Detach":true}'
begin '{"Cmd":["true"],"WorkingDir":"relative"}' '{"Detach":true}'; begin '{"Cmd":["true"],"Tty":true}' '{"Detach":true,"ConsoleSize":[1,2]}'
until_ok sh -c "[ \"\$(curl -s --unix-socket \"\${DOCKER_HOST#unix://}\" http://engine/exec/$id/json | jq .Running)\" = false ]"; echo "again: $(api POST "/exec/$id/start" -H 'Content-Type: application/json' -d '{"Detach":true}' | tr '\n' ' ')"
echo "resize: $(api POST "/exec/$id/resize?h=x&w=1" | tr '\n' ' ')"; echo "resize: $(api POST "/exec/$id/resize?h=1&w=1" | tr '\n' ' ')"

#: addresses that make no sense about images
short() { tr '\r\n' '  ' | sed -E 's/^(.{250}).*([0-9]{3} *)$/\1 \2/'; }
docker tag box second
get() { echo "$1: $(api GET "$1" | short)"; }
post() { echo "$1: $(api POST "$1" "${@:2}" | short)"; }
for q in all=maybe 'filters=%7B' 'filters=%7B%22nope%22:%5B%22x%22%5D%7D' 'filters=%7B%22dangling%22:%5B%22maybe%22%5D%7D' 'filters=%7B%22before%22:%5B%22missing%22%5D%7D' 'filters=%7B%22until%22:%5B%22x%22%5D%7D' 'filters=%7B%22reference%22:%5B%22%5B%22%5D%7D'; do get "/images/json?$q"; done
for p in json history get; do get "/images/missing/$p"; done; get '/images/UPPER/json'; get '/images/box:/json'; get "/images/sha256:$(printf '0%.0s' {1..64})/json"; get '/images/get?names=missing'; get '/images/get'
get '/images/search'; get '/images/search?term='; get '/images/search?term=x&limit=x'; get '/images/search?term=x&filters=%7B%22nope%22:%5B%22x%22%5D%7D'; get '/distribution/UPPER/json'; get '/images/box/history?platform=nope'
post /images/create; post '/images/create?fromImage=UPPER'; post '/images/create?fromImage=x&tag=a%20b'; post '/images/create?fromImage=box&platform=a/b/c/d'; post '/images/create?fromSrc=-&repo=UPPER' -d x; post '/images/create?fromSrc=-&changes=NOPE' -d x; post '/images/create?fromSrc=http://127.0.0.1:1/x'
post '/images/missing/tag?repo=x'; post '/images/box/tag'; post '/images/box/tag?repo=UPPER'; post '/images/box/tag?repo=x&tag=a%20b'; post '/images/missing/push'; post '/images/UPPER/push'; post '/images/box/push' -H 'X-Registry-Auth: %%%' ; post '/images/load' -d x; post '/images/load'
post '/images/prune?filters=%7B'; post '/images/prune?filters=%7B%22nope%22:%5B%22x%22%5D%7D'; post '/images/prune?filters=%7B%22dangling%22:%5B%22maybe%22%5D%7D'; post '/images/prune?filters=%7B%22until%22:%5B%22x%22%5D%7D'
post '/commit?container=missing'; post '/commit'; docker create --name cc box true >id; post '/commit?container=cc&repo=UPPER'; post '/commit?container=cc&changes=NOPE'; post '/commit?container=cc&changes=RUN%20x'
echo "delete: $(api DELETE /images/missing | tr '\n' ' ')"; echo "delete: $(api DELETE /images/UPPER | tr '\n' ' ')"; docker images -q | wc -l

#: builds that cannot be asked for
short() { tr '\r\n' '  ' | sed -E 's/^(.{250}).*([0-9]{3} *)$/\1 \2/'; }
post() { echo "$1: $(api POST "/build?$1" "${@:2}" | short)"; }
mkdir x; echo FROM box >x/Dockerfile; tar -C x -cf good.tar Dockerfile
post ''; post '' -d 'this is no archive'; post 'dockerfile=missing' --data-binary @good.tar; post 'dockerfile=../etc/passwd' --data-binary @good.tar; post 't=UPPER' --data-binary @good.tar; post 't=a:b:c' --data-binary @good.tar; post 'buildargs=%7B' --data-binary @good.tar
post 'labels=%5B' --data-binary @good.tar; post 'cachefrom=%7B' --data-binary @good.tar; post 'memory=x' --data-binary @good.tar; post 'cpuperiod=x' --data-binary @good.tar; post 'shmsize=x' --data-binary @good.tar; post 'ulimits=%7B' --data-binary @good.tar; post 'target=missing' --data-binary @good.tar
post 'platform=a/b/c/d' --data-binary @good.tar; post 'networkmode=missing' --data-binary @good.tar; post 'q=maybe' --data-binary @good.tar; post 'remote=nonsense'; post 'version=3' --data-binary @good.tar; post 'squash=1' --data-binary @good.tar
echo "prune: $(api POST '/build/prune?filters=%7B' | tr '\n' ' ')"; echo "prune: $(api POST '/build/prune?filters=%7B%22nope%22:%5B%22x%22%5D%7D' | tr '\n' ' ')"; echo "prune: $(api POST '/build/prune?keep-storage=x' | tr '\n' ' ')"; echo "cancel: $(api POST '/build/cancel' | tr '\n' ' ')"

#: networks and volumes that cannot be
short() { tr '\r\n' '  ' | sed -E 's/^(.{250}).*([0-9]{3} *)$/\1 \2/'; }
docker network create nn >id; docker run -d --name cc box sleep 1000 >id
net() { echo "$1: $(api POST /networks/create -H 'Content-Type: application/json' -d "$1" | tr '\n' ' ')"; docker network rm made >/dev/null 2>&1; }
net '{}'; net '{"Name":""}'; net '{"Name":"nn"}'; net '{"Name":"bridge"}'; net '{"Name":"made","Driver":"nope"}'; net '{"Name":"made","Driver":"host"}'; net '{"Name":"made","Scope":"nope"}'; net '{"Name":"a b"}'; net '{"Name":"made","Attachable":true,"Ingress":true}'
ipam() { net "{\"Name\":\"made\",\"IPAM\":$1}"; }
ipam '{"Driver":"nope"}'; ipam '{"Config":[{"Subnet":"x"}]}'; ipam '{"Config":[{"Subnet":"10.1.2.3"}]}'; ipam '{"Config":[{"Subnet":"10.1.2.3/24"}]}'; ipam '{"Config":[{"Subnet":"10.77.2.0/24","Gateway":"10.9.9.9"}]}'; ipam '{"Config":[{"Subnet":"10.77.2.0/24","IPRange":"10.9.0.0/16"}]}'
ipam '{"Config":[{"Gateway":"10.77.2.1"}]}'; ipam '{"Config":[{"Subnet":"10.77.2.0/24","Gateway":"x"}]}'; ipam '{"Config":[{"Subnet":"10.77.2.0/24","AuxiliaryAddresses":{"a":"10.9.9.9"}}]}'; ipam '{"Config":[{"Subnet":"10.77.2.0/24"},{"Subnet":"10.77.2.0/25"}]}'; ipam '{"Config":[{"Subnet":"10.78.2.0/32"}]}'
net '{"Name":"made","Options":{"com.docker.network.bridge.name":"a/b"}}'; net '{"Name":"made","Options":{"com.docker.network.driver.mtu":"x"}}'; net '{"Name":"made","Options":{"com.docker.network.bridge.enable_icc":"maybe"}}'; net '{"Name":"made","ConfigFrom":{"Network":"missing"}}'
join() { echo "$1 $2: $(api POST "/networks/$1" -H 'Content-Type: application/json' -d "$2" | tr '\n' ' ')"; }
join missing/connect '{"Container":"cc"}'; join nn/connect '{}'; join nn/connect '{"Container":"missing"}'; join nn/connect '{"Container":"cc","EndpointConfig":{"IPAMConfig":{"IPv4Address":"x"}}}'; join nn/connect '{"Container":"cc","EndpointConfig":{"IPAMConfig":{"IPv4Address":"9.9.9.9"}}}'
join nn/connect '{"Container":"cc","EndpointConfig":{"MacAddress":"zz"}}'; join nn/connect '{"Container":"cc","EndpointConfig":{"Links":["missing:x"]}}'; join nn/connect '{"Container":"cc","EndpointConfig":{"GwPriority":"x"}}'; join host/connect '{"Container":"cc"}'; join nn/disconnect '{"Container":"cc"}'; join nn/disconnect '{"Container":"missing"}'
join nn/disconnect '{"Container":"missing","Force":true}'; join missing/disconnect '{"Container":"cc"}'; join nn/connect '{"Container":"cc"}' ; join nn/connect '{"Container":"cc"}'
for p in /networks/missing /networks/nn?scope=nope /networks?filters=%7B '/networks?filters=%7B%22nope%22:%5B%22x%22%5D%7D' '/networks?filters=%7B%22type%22:%5B%22nope%22%5D%7D' '/networks?filters=%7B%22dangling%22:%5B%22maybe%22%5D%7D' /volumes/missing '/volumes?filters=%7B' '/volumes?filters=%7B%22nope%22:%5B%22x%22%5D%7D' '/volumes?filters=%7B%22dangling%22:%5B%22maybe%22%5D%7D'; do echo "$p: $(api GET "$p" | short)"; done
for p in /networks/missing /networks/bridge /networks/nn /volumes/missing; do echo "delete $p: $(api DELETE "$p" | tr '\n' ' ')"; done
vol() { echo "$1: $(api POST /volumes/create -H 'Content-Type: application/json' -d "$1" | tr '\n' ' ' | grep -o '"message.*\|201' )"; docker volume rm vv >/dev/null 2>&1; }
vol '{"Name":"a b"}'; vol '{"Name":"-"}'; vol '{"Name":"v"}'; vol '{"Name":"a/b"}'; vol '{"Name":"vv","Driver":"nope"}'; vol '{"Name":"vv","DriverOpts":{"nope":"x"}}'; vol '{"Name":"vv","DriverOpts":{"device":"/x"}}'; vol '{"Name":"vv","DriverOpts":{"type":"tmpfs"}}'; vol '{"Name":"vv","DriverOpts":{"size":"x"}}'
echo "prune: $(api POST '/volumes/prune?filters=%7B%22nope%22:%5B%22x%22%5D%7D' | tr '\n' ' ')"; echo "prune: $(api POST '/networks/prune?filters=%7B%22nope%22:%5B%22x%22%5D%7D' | tr '\n' ' ')"; echo "prune: $(api POST '/networks/prune?filters=%7B%22until%22:%5B%22x%22%5D%7D' | tr '\n' ' ')"

#: addresses that make no sense about the engine
short() { tr '\r\n' '  ' | sed -E 's/^(.{250}).*([0-9]{3} *)$/\1 \2/'; }
get() { echo "$1: $(timeout 5 curl -sS -w '%{http_code}' --unix-socket "${DOCKER_HOST#unix://}" "http://engine$1" | short)"; }
get '/nothing'; get '/v1.10/containers/json'; get '/v1.23/info?x'; get '/v9.99/containers/json'; get '/v1.x/containers/json'; get '/v1.44/nothing'; get '/v1.44'; get '/'; get '//containers/json'; get '/containers/../info/x'
get '/events?since=x'; get '/events?until=x'; get '/events?since=5&until=4'; get '/events?filters=%7B&until=1'; get '/events?until=1&filters=%7B%22nope%22:%5B%22x%22%5D%7D'; get '/events?until=1&filters=%7B%22type%22:%5B%22nope%22%5D%7D'; get '/system/df?type=nope'; get '/_ping/x'
for m in PUT DELETE PATCH OPTIONS; do echo "$m: $(api "$m" /containers/json | tr '\n' ' ')"; done; echo "post: $(api POST /info | tr '\n' ' ')"; echo "post: $(api POST /_ping | tr '\n' ' ')"
for p in /swarm /nodes /services /tasks /secrets /configs /plugins /nodes/x /services/x /secrets/x /swarm/unlockkey; do get "$p"; done
echo "session: $(api POST /session | tr '\n' ' ')"; echo "grpc: $(api POST /grpc | tr '\n' ' ')"; echo "swarm: $(api POST /swarm/leave | tr '\n' ' ')"; echo "auth: $(api POST /auth -H 'Content-Type: application/json' -d '{}' | short)"
