#: nothing there: lists have only their heads
docker ps; docker ps -a; docker ps -q
docker volume ls; docker images -f dangling=true
docker network ls --format '{{.Name}} {{.Driver}} {{.Scope}}' | sort
docker container ls -a --format '{{.Names}}' | wc -l
docker stats --no-stream --format '{{.Name}}' | wc -l
docker events --since 1m --until 0m --filter container=none-such | wc -l
docker system df --format '{{.Type}} {{.TotalCount}} {{.Active}}' | grep -v Cache

#: version and info have what clients read
docker version --format '{{.Server.Os}} {{.Server.Arch}} {{.Server.MinAPIVersion}}'
docker version --format '{{json .Server}}' | jq -c '[has("ApiVersion"), has("Version"), has("KernelVersion"), has("GoVersion"), has("Components")]'
docker create --name cc box true >id; docker run -d --name rr box sleep 1000 >id; docker run -d --name pp box sleep 1000 >id; docker pause pp
docker info --format '{{.Containers}} {{.ContainersRunning}} {{.ContainersPaused}} {{.ContainersStopped}} {{.Images}}'
docker info --format '{{.OSType}} {{.Architecture}} {{.NCPU}} {{.LoggingDriver}} {{.Swarm.LocalNodeState}} {{.IPv4Forwarding}} {{.MemoryLimit}} {{.PidsLimit}}' | sed "s/ $(nproc) / N /"
test "$(docker info --format '{{.Name}}')" = "$(hostname)" && echo the name of the host
docker info --format '{{json .}}' | jq -c '[.ID, .Driver, .DockerRootDir, .CgroupDriver, .KernelVersion, .OperatingSystem, .ServerVersion, .DefaultRuntime, .SystemTime, .RegistryConfig.IndexConfigs["docker.io"].Name, .SecurityOptions[0]] | map(type)'
docker info --format '{{json .Plugins}}' | jq -c '[(.Volume | index("local") != null), (.Network | index("bridge") != null), (.Log | index("json-file") != null)]'

#: ping tells what is spoken
head_of /_ping; grep -iE '^(api-version|ostype|content-type|cache-control|pragma|docker-experimental|swarm)' headers | sed -E 's/^(Api-Version): 1\.[0-9]+/\1: 1.N/I' | tr A-Z a-z | sort
api GET /_ping
api GET /v1.24/_ping
api GET /version | head -n 1 | jq -c '[.MinAPIVersion, .Os, .Arch, (.ApiVersion | test("^1\\.[0-9]+$"))]'
curl -sS -o body -D - --unix-socket "${DOCKER_HOST#unix://}" http://engine/_ping | tr -d '\r' | grep -iE '^(content-type|ostype)' | tr A-Z a-z | sort; cat body; echo

#: versions of the API, too old, too new, none
docker create --name cc box true >id
for version in v1.24 v1.30 v1.41 v1.44 v1.51; do api GET "/$version/containers/cc/json" | tail -n 1; done
for version in v1.23 v1.12 v1.99 v2.0; do api GET "/$version/containers/json" | tail -n 1; done
api GET /v1.23/version | grep -o 'is too old'; api GET /v1.99/version | grep -o 'is too new'
api GET /vNONSENSE/version | tail -n 1; api GET /1.41/version | tail -n 1
DOCKER_API_VERSION=1.30 docker ps -a --format '{{.Names}}'
DOCKER_API_VERSION=1.44 docker inspect -f '{{.Name}}' cc
DOCKER_API_VERSION=1.12 docker ps 2>&1 | grep -o 'is too old'

#: paths and methods that are not there
for path in / /nonsense /containers /containers/cc/nonsense /images /v1.41/nonsense; do api GET "$path" | tail -n 1; done
api GET /nonsense | head -n 1 | jq -c keys
api POST /containers/json | tail -n 1
api DELETE /version | tail -n 1
api PUT /containers/create | tail -n 1
head_of /nonsense
head_of /containers/json

#: bodies that are no good
json() { echo "$(api POST "$1" -H 'Content-Type: application/json' -d "$2" | tail -n 1) for $2"; }
json /containers/create '{"Image":"box"'
json /containers/create 'null'
json /containers/create '[]'
json /containers/create '{"Image":5}'
json /containers/create '{"Image":"box","Env":"A=1"}'
json /containers/create '{"Image":"box","HostConfig":{"Memory":"much"}}'
json /containers/create '{"Image":"box","Cmd":{"a":1}}'
json /containers/create ''
json /containers/create '{}'
json '/containers/create?name=unknown-fields' '{"Image":"box","Nonsense":{"x":[1]},"HostConfig":{"Other":1}}'
json '/containers/create?name=cases' '{"image":"box","cmd":"true"}'
json /networks/create '{"Name":5}'
json /volumes/create '{"Name":"vv","Labels":[]}'
api POST /containers/create -H 'Content-Type: text/plain' -d '{"Image":"box"}' | tail -n 1
api POST /containers/create -d '{"Image":"box"}' | tail -n 1
docker ps -a --format '{{.Names}}' | grep -E 'unknown-fields|cases' | sort

#: what is unknown is not found
for path in json 'logs?stdout=1' top changes stats export 'archive?path=/'; do echo "$(api GET "/containers/unknown/$path" | tail -n 1) $path"; done
api POST /containers/unknown/start | tail -n 1
for path in stop kill restart pause unpause wait 'resize?h=1&w=1' rename?name=new attach?stdout=1 update exec; do echo "$(api POST "/containers/unknown/$path" -H 'Content-Type: application/json' -d '{"Cmd":["true"]}' | tail -n 1) $path"; done
api GET /containers/unknown/json
api DELETE /containers/unknown
api GET /exec/unknown/json
api POST /exec/unknown/start -H 'Content-Type: application/json' -d '{}'
api GET /networks/unknown
api DELETE /volumes/unknown

#: names that are taken or bad conflict
docker create --name taken box true >id
api POST '/containers/create?name=taken' -H 'Content-Type: application/json' -d '{"Image":"box"}' | sed -n 1p | jq -r .message
for name in a -x 'x/y' 'x%20y' 'x:y' ünï; do api POST "/containers/create?name=$name" -H 'Content-Type: application/json' -d '{"Image":"box"}' | tail -n 1; done
api POST '/containers/create?name=/slash' -H 'Content-Type: application/json' -d '{"Image":"box"}' | tail -n 1
docker ps -a --format '{{.Names}}' | sort
docker create --name other box true >id; api POST '/containers/other/rename?name=taken' | tail -n 1; api POST '/containers/other/rename?name=' | tail -n 1; api POST '/containers/other/rename?name=new' | tail -n 1
api GET /containers/new/json | head -n 1 | jq -r .Name
api POST '/containers/create?name=fresh' -H 'Content-Type: application/json' -d '{"Image":"missing-image"}'

#: statuses of starting and stopping
docker create --name cc box sleep 1000 >id
status() { api "$@" | tail -n 1; }
status POST /containers/cc/stop; status POST /containers/cc/kill; status POST /containers/cc/pause; status POST /containers/cc/start; status POST /containers/cc/start
status POST /containers/cc/pause; status POST /containers/cc/pause; status POST /containers/cc/unpause
status POST '/containers/cc/kill?signal=NONSENSE'; status DELETE /containers/cc; status POST '/containers/cc/stop?t=0'; status POST '/containers/cc/stop?t=0'
status POST /containers/cc/wait; status POST '/containers/cc/wait?condition=nonsense'; status POST '/containers/cc/resize?h=x&w=1'
status DELETE '/containers/cc?v=1'; status DELETE /containers/cc

#: ids may be shortened while they are unambiguous
docker create --name named box true >id; id=$(cat id)
for length in 64 12 8 4; do docker inspect -f '{{.Name}}' "${id:0:$length}"; done
api GET "/containers/${id:0:10}/json" | tail -n 1
docker create --name "${id:0:6}" box true >id2; docker inspect -f '{{.Id}}' "${id:0:6}" | cmp - id2 && echo a name comes first
for n in $(seq 20); do docker create box true; done >many
one=$(cut -c 1 many | sort | uniq -d | head -n 1); try docker inspect --type container "$one" 2>&1 | grep -o -- '-> .*'
api GET "/containers/$one/json" | tail -n 1

#: events of a container's life
start=$(date +%s.%N)
docker run --name lived --label mark=1 box sh -c 'exit 3'
docker rename lived renamed; docker rm renamed
docker events --since "$start" --until "$(date +%s.%N)" --filter type=container --format '{{.Action}} {{.Actor.Attributes.name}}'
docker events --since "$start" --until "$(date +%s.%N)" --filter event=die --format '{{.Actor.Attributes.exitCode}} {{.Actor.Attributes.image}} {{.Actor.Attributes.mark}} {{.Type}} {{.Scope}}'
docker events --since "$start" --until "$(date +%s.%N)" --filter type=container --format '{{json .}}' | head -n 1 | jq -c '[.status, .from, .Type, .Action, (.Actor.ID == .id), (.time > 0), (.timeNano > .time), .scope]'

#: events are filtered
start=$(date +%s.%N); events() { docker events --since "$start" --until "$(date +%s.%N)" "$@"; }
docker volume create vol >id; docker network create net >id; docker tag box tagged
docker run -d --name one --label mark=1 --network net -v vol:/x box sleep 1000 >id; docker create --name two --label mark=2 box true >id
docker exec one true; docker pause one; docker unpause one; docker kill one >id; until_ok sh -c "docker inspect -f '{{.State.Running}}' one | grep false"; docker rm one two >id; docker rmi tagged >id; docker network rm net >id; docker volume rm vol >id
events --filter label=mark=2 --format '{{.Action}} {{.Actor.Attributes.name}}'; echo --
events --filter container=one --filter event=pause --filter event=unpause --filter event=kill --format '{{.Action}}'; echo --
events --filter type=network --filter event=connect --filter event=disconnect --filter event=create --filter event=destroy --format '{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.type}}'; echo --
events --filter type=volume --format '{{.Action}} {{.Actor.ID}}' | grep -v '.\{70\}'; echo --
events --filter type=image --format '{{.Action}}' | grep tag; echo --
events --filter container=one --filter type=container --format '{{.Action}}' | grep exec | sed 's/:.*//'; echo --
events --filter image=box --filter event=create --format '{{.Actor.Attributes.name}}'

#: events come as they happen
docker events --filter type=container --filter event=start --filter event=die --format '{{.Action}} {{.Actor.Attributes.name}}' >seen & watcher=$!
until_ok sh -c 'docker run --rm --name warm box true; grep -q "die warm" seen'
docker run --rm --name first box true; docker run --rm --name second box true
until_ok grep 'die second' seen
kill $watcher; grep -v warm seen

#: what takes space
docker build -q -t mine - <<D >id
FROM box
RUN dd if=/dev/zero of=/desk/mb bs=1024 count=1024 2>/dev/null
D
docker run -d --name user -v used:/x mine sh -c 'dd if=/dev/zero of=/x/f bs=1024 count=512 2>/dev/null; echo x >/desk/y; sleep 1000' >id
until_ok docker exec user test -e /desk/y
docker create --name idle box true >id; docker volume create unused >id
docker system df --format '{{.Type}} {{.TotalCount}} {{.Active}}' | grep -v Cache
docker system df -v --format '{{json .}}' | jq -c '[(.Volumes | map([.Name, .Links, .Size]) | sort), (.Containers | map([.Names, .LocalVolumes, .State]) | sort), (.Images | map([.Repository, .Containers]) | sort)]'
docker ps -s --format '{{.Names}} {{.Size}}' | sed -E 's/ \(virtual .*//'
api GET /system/df | head -n 1 | jq -c '[.Volumes[] | [.Name, .UsageData.RefCount, .UsageData.Size]] | sort'
api GET '/system/df?type=volume' | head -n 1 | jq -c '[(.Volumes | length), (.Containers | length)]'

#: the system is pruned
docker build -q -t loose - <<<$'FROM box\nENV A=1' >id; docker build -q -t loose - <<<$'FROM box\nENV A=2' >id
docker create --name stopped -v named:/x -v /anon loose true >id; docker run -d --name runs -v kept:/x box sleep 1000 >id; docker network create unused >id
docker system prune -f --filter until=24h | grep -v reclaimed
docker system prune -f --filter label=none | grep -v reclaimed
docker system prune -f | grep -E '^(Deleted [CNI]|unused|Total)' | sed 's/space.*/space/'
docker ps -a --format '{{.Names}}'; docker images --format '{{.Repository}}' | sort; docker network ls --format '{{.Name}}' | sort; docker volume ls -q | sed -E 's/.{64}/anonymous/' | sort
docker system prune -f --volumes | grep -E '^Deleted'; docker volume ls -q | sort
docker system prune -a -f | grep -E '^untagged'; docker images --format '{{.Repository}}'

#: containers are pruned
docker create --name created --label keep=no box true >id; docker run --name exited --label keep=yes box true; docker run -d --name runs box sleep 1000 >id; docker run -d --name paused box sleep 1000 >id; docker pause paused
docker container prune -f --filter until=24h
docker container prune -f --filter label=keep=no | sed 's/space.*/space/'
docker ps -a --format '{{.Names}}' | sort
docker container prune -f --filter label!=keep | sed 's/space.*/space/'
docker container prune -f | sed 's/space.*/space/'
docker ps -a --format '{{.Names}} {{.State}}' | sort
api POST '/containers/prune?filters=%7B%22nonsense%22%3A%5B%22x%22%5D%7D' | tail -n 1

#: no swarm here
docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}'
for path in /nodes /services /tasks /swarm /secrets /configs; do api GET "$path" | tail -n 1; done
for command in 'node ls' 'service ls' 'stack ls' 'secret ls' 'config ls' 'swarm leave' 'service ps x'; do try docker $command 2>&1 | grep -o -- '-> .*'; done
docker service ls 2>&1 | grep -o 'This node is not a swarm manager'
try docker network create -d overlay over 2>&1 | grep -o -- '-> .*'

#: no plugins, no registry to be reached
docker plugin ls
api GET /plugins
try docker plugin inspect missing 2>&1 | grep -o -- '-> .*'
try docker pull 127.0.0.1:1/nothing 2>&1 | grep -o -- '-> .*'
try docker run --rm 127.0.0.1:1/nothing 2>&1 | grep -o -- '-> .*\|Unable to find image .*'
docker tag box 127.0.0.1:1/pushed; try docker push -q 127.0.0.1:1/pushed 2>&1 | grep -o -- '-> .*'; docker rmi 127.0.0.1:1/pushed
try docker login -u me -p secret 127.0.0.1:1 2>&1 | grep -o -- '-> .*'
try docker run --rm --pull never missing-image 2>&1 | grep -o -- '-> .*\|No such image: .*'
docker run --rm --pull missing box echo there
try docker run --rm --runtime missing box true 2>&1 | grep -o -- '-> .*'

#: several objects are inspected at once, whatever they are
docker create --name thing box true >id; docker volume create thing >id; docker network create thing >id; docker build -q -t thing - <<<$'FROM box\nENV A=1' >id
docker inspect thing | jq -c '.[0] | has("State")'
docker inspect --type image -f '{{.RepoTags}}' thing; docker inspect --type volume -f '{{.Driver}}' thing; docker inspect --type network -f '{{.Driver}}' thing
docker volume create only-vol >id; docker inspect -f '{{.Name}}' thing only-vol bridge
docker inspect -s -f '{{.SizeRw}}' --type container thing
docker inspect --format '{{.Missing}}' thing >out 2>&1; echo $?
docker inspect thing missing 2>error | jq -c 'map(.Name)'; cat error
docker rm thing >id; docker inspect thing | jq -c '.[0] | has("RootFS")'

#: the answers' headers and streams
docker run --name talked box sh -c 'echo out; sleep 0.3; echo err >&2'
status_and_type() { curl -sS -o body -w '%{http_code} %{content_type}\n' --unix-socket "${DOCKER_HOST#unix://}" "http://engine$1"; }
status_and_type /containers/json; status_and_type /containers/unknown/json; status_and_type /version
status_and_type '/containers/talked/logs?stdout=1&stderr=1'; od -An -tx1 body | tr -d '\n'; echo
status_and_type '/containers/talked/logs'; jq -r .message body
status_and_type '/containers/talked/export'; tar tf body | grep -c '^bin/busybox'
status_and_type '/containers/json?all=1&limit=1'; jq -c 'map(.Names)' body
status_and_type '/containers/json?all=nonsense'
