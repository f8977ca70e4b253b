#: run makes a container of its own
cat >compose.yaml <<'E'
name: p
services:
  web: {image: box, command: echo own, environment: {A: file, B: file}, labels: {own: file}, ports: ['127.0.0.1:47801:80'], depends_on: [db], networks: {default: {aliases: [site]}}, volumes: ['data:/data']}
  db: {image: box, command: sleep 1000, init: true}
volumes: {data: }
E
compose run --rm web 2>/dev/null; state
compose run --rm --no-deps --env A=run --env B --no-TTY web sh -c 'echo $A $B' 2>/dev/null
B=caller compose run --rm --no-deps -e B web sh -c 'echo $A $B' 2>/dev/null
printf 'A=listed\nC=listed\n' >vars; compose run --rm --no-deps --env-from-file vars web sh -c 'echo $A $C' 2>/dev/null
compose run --rm --no-deps --user 7:8 --workdir /tmp/w web sh -c 'id -u; id -g; pwd' 2>/dev/null
compose run --rm --no-deps --entrypoint 'echo entry' web and more 2>/dev/null
compose run --rm --no-deps --cap-drop ALL --cap-add NET_ADMIN web grep CapEff /proc/self/status 2>/dev/null
echo there >here; compose run --rm --no-deps --volume "$PWD/here:/here" web cat /here 2>/dev/null
compose run --no-deps --name mine --label own=run --label more=1 web 2>/dev/null; docker inspect -f '{{.Config.Labels.own}} {{.Config.Labels.more}} {{index .Config.Labels "com.docker.compose.oneoff"}}' mine; docker rm mine
echo given | compose run --rm --no-deps --interactive -T web cat 2>/dev/null
echo given | compose run --rm --no-deps --interactive=false -T web cat 2>/dev/null
try compose run --rm --no-deps web sh -c 'exit 7' 2>/dev/null
compose run --rm --no-deps --quiet web echo said 2>&1
try compose run --rm gone 2>/dev/null; try compose run 2>/dev/null
compose run --no-deps --name ended web 2>/dev/null; compose --progress quiet down -v 2>/dev/null; state; compose down --remove-orphans 2>/dev/null; state

#: run with ports, names and in the background
cat >compose.yaml <<'E'
name: p
services:
  web: {image: box, command: sleep 1000, init: true, ports: ['127.0.0.1:47801:80'], networks: {default: {aliases: [site]}}}
  db: {image: box, command: sleep 1000, init: true}
E
name=$(compose run --detach web 2>/dev/null); echo "$name"; docker inspect -f '{{json .HostConfig.PortBindings}} {{.State.Running}}' "$name"; docker rm -f "$name" >id
compose run -d --name served --service-ports web >id 2>/dev/null; docker inspect -f '{{json .HostConfig.PortBindings}}' served; docker rm -f served >id
compose run -d --name served --publish 127.0.0.1:47802:81 web >id 2>/dev/null; docker inspect -f '{{json .HostConfig.PortBindings}}' served; docker rm -f served >id
compose up -d db 2>/dev/null
compose run -d --name named --use-aliases web >id 2>/dev/null; docker exec p-db-1 nslookup site 2>/dev/null | grep -c 'Address: [0-9]'; docker rm -f named >id
compose run -d --name named web >id 2>/dev/null; try docker exec p-db-1 nslookup -type=a site >/dev/null 2>&1
compose ps --format '{{.Name}}'; compose ps --all --format '{{.Name}}' | sort; compose down 2>/dev/null; state

#: exec in a container of a service
echo '{name: p, services: {web: {image: box, command: sleep 1000, init: true, environment: {A: file}, scale: 2, working_dir: /desk}}}' >compose.yaml
compose up -d 2>/dev/null
compose exec --no-tty web sh -c 'echo $A; pwd; id -u'
compose exec -T --env A=exec --user 7:8 --workdir /bin web sh -c 'echo $A; pwd; id -u; id -g'
compose exec -T --index 2 web hostname >second; test "$(cat second)" = "$(docker inspect -f '{{.Config.Hostname}}' p-web-2)" && echo the second
try compose exec -T --index 3 web true 2>/dev/null
compose exec -T --privileged web grep CapEff /proc/self/status | tr -d f
compose exec -T web grep CapEff /proc/self/status
compose exec --detach web touch /desk/made; until_ok docker exec p-web-1 test -e /desk/made
try compose exec -T web sh -c 'exit 9'
echo given | compose exec -T web cat
try compose exec -T gone true 2>/dev/null
try compose exec -T web no-such-program 2>/dev/null
compose stop -t 1 2>/dev/null; try compose exec -T web true 2>/dev/null

#: logs of services
cat >compose.yaml <<'E'
name: p
services:
  one: {image: box, command: sh -c 'echo one-a; echo one-b; echo one-c', scale: 2}
  two: {image: box, command: sh -c 'echo two-a'}
  slow: {image: box, command: sh -c 'echo slow-a; sleep 1; echo slow-b', profiles: [slow]}
E
compose up -d 2>/dev/null; compose wait one two >/dev/null 2>&1
compose logs 2>&1 | sort
compose logs --no-log-prefix two
compose logs --no-color --tail 1 two one | sort
compose logs --index 2 one
compose logs --timestamps two | sed -E 's/[0-9]{4}-[0-9T:.-]+Z/<when>/'
compose logs --since 1h two; compose logs --since 2100-01-01 two; compose logs --until 2001-01-01T00:00:00 two; compose logs --until 0s two
compose up -d slow 2>/dev/null; compose logs --follow slow | tr -d '\033\r' | sed 's/^\[K//' | grep .
try compose logs gone 2>/dev/null
try compose logs --index 1 2>/dev/null

#: ps lists what there is
cat >compose.yaml <<'E'
name: p
services:
  web: {image: box, command: sleep 1000, init: true, ports: ['127.0.0.1:47803:80', '90'], scale: 1}
  job: {image: box, command: sh -c 'exit 4'}
  old: {image: box, command: sleep 1000, init: true}
E
compose ps | xargs; compose ps --quiet
compose up -d 2>/dev/null; docker wait p-job-1
sed -i '/old:/d' compose.yaml
compose ps --format '{{.Name}} {{.Service}} {{.State}} {{.ExitCode}} {{.Project}} {{.Image}} {{.Command}}'
compose ps --all --format '{{.Name}} {{.State}} {{.ExitCode}}'
compose ps --services; compose ps --all --services; compose ps --services --status exited
compose ps --status exited --format '{{.Name}}'; compose ps --filter status=running --format '{{.Name}}'; compose ps --orphans=false --format '{{.Name}}'
compose ps --quiet | wc -l; compose ps --quiet --all --no-trunc | grep -cE '^<?[0-9a-f]{64}'
compose ps web --format json | jq -c '{Name, Service, State, ExitCode, Health, Project, Labels: (.Labels | split(",") | map(select(startswith("com.docker.compose.service"))))}, .Publishers[0]'
compose ps | head -1 | xargs
try compose ps gone 2>/dev/null
try compose ps --filter name=web 2>/dev/null

#: stopping, killing, pausing and restarting
cat >compose.yaml <<'E'
name: p
services:
  db: {image: box, command: sleep 1000, init: true}
  web: {image: box, command: sleep 1000, init: true, depends_on: {db: {condition: service_started, restart: true}}}
  app: {image: box, command: sleep 1000, init: true, depends_on: [db]}
E
compose up -d 2>/dev/null
compose pause web 2>/dev/null; echo $?; state; try compose pause web 2>/dev/null
compose unpause web 2>/dev/null; echo $?; state; try compose unpause web 2>/dev/null
compose kill app 2>/dev/null; state
compose kill --signal HUP web 2>/dev/null; docker wait p-web-1; state
compose start 2>/dev/null; state
pids() { for name in p-db-1 p-web-1 p-app-1; do pid=$(docker inspect -f '{{.State.Pid}}' $name); [ "$pid" = "$(cat $name.pid 2>/dev/null)" ] && echo "$name the same" || echo "$name new"; echo "$pid" >$name.pid; done; }
pids; compose restart --timeout 3 app 2>/dev/null; pids
compose restart db 2>/dev/null; pids
compose restart --no-deps db 2>/dev/null; pids
compose stop 2>/dev/null; compose restart app 2>/dev/null; state
try compose restart gone 2>/dev/null; try compose stop gone 2>/dev/null; try compose kill gone 2>/dev/null; try compose start gone 2>/dev/null; try compose pause gone 2>/dev/null

#: removing what is stopped
echo '{name: p, services: {web: {image: box, command: sleep 1000, init: true, volumes: [/anon]}, app: {image: box, command: sleep 1000, init: true, volumes: [/anon]}}}' >compose.yaml
compose up -d 2>/dev/null
try compose rm --force 2>/dev/null; state
compose stop web 2>/dev/null; compose rm --force 2>/dev/null; state; docker volume ls -q | wc -l
compose rm --force --stop app 2>/dev/null; state; docker volume ls -q | wc -l
compose up -d 2>/dev/null; compose rm -f -s --volumes 2>/dev/null | tr -d , | xargs -n 1 | sort | xargs; state; docker volume ls -q | wc -l
try compose rm -f gone 2>/dev/null
compose up -d web 2>/dev/null; compose down web 2>/dev/null; state
compose up -d 2>/dev/null; compose down web 2>/dev/null; state

#: files to and from a service
echo '{name: p, services: {web: {image: box, command: sleep 1000, init: true, scale: 2}}}' >compose.yaml
compose up -d 2>/dev/null; mkdir tree; echo one >tree/file; ln -s file tree/link; chown 7:8 tree/file
compose cp tree/file web:/desk/file 2>/dev/null; docker exec p-web-1 cat /desk/file; try docker exec p-web-2 cat /desk/file
compose cp --index 2 tree/file web:/desk/second 2>/dev/null; docker exec p-web-2 cat /desk/second
compose cp --all tree web:/desk/all 2>/dev/null; docker exec p-web-1 ls /desk/all; docker exec p-web-2 ls /desk/all
compose cp --archive tree/file web:/desk/archive 2>/dev/null; docker exec p-web-1 stat -c '%u %g' /desk/archive
compose cp tree/link web:/desk/link 2>/dev/null; docker exec p-web-1 readlink /desk/link
compose cp --follow-link tree/link web:/desk/followed 2>/dev/null; docker exec p-web-1 cat /desk/followed
compose cp web:/desk/all/file back 2>/dev/null; cat back
compose cp web:/desk/file - 2>/dev/null | tar -tf -
try compose cp web:/gone back 2>/dev/null; try compose cp gone:/a back 2>/dev/null; try compose cp here there 2>/dev/null

#: what is in a project's containers
cat >compose.yaml <<'E'
name: p
services:
  web: {image: box, command: sh -c 'sleep 1001 & exec sleep 1000', init: true, ports: ['127.0.0.1:47804:80', '127.0.0.1:47805:53/udp'], volumes: ['data:/data', 'more:/more'], scale: 1}
  app: {image: box, command: sleep 1002, init: true, volumes: ['more:/more']}
volumes: {data: , more: }
E
compose up -d 2>/dev/null; until_ok sh -c 'docker top p-web-1 | grep 1001'
compose top | grep -oE '^p-[a-z0-9-]+|sleep 100.' | sort; compose top app | grep -oE 'sleep 100.'; compose top web | head -2 | sed -E 's/ +/ /g; s/[0-9]+:[0-9:]+/<time>/g; s/ [0-9]{2,}/ <pid>/g; s/ (root|0) (<pid> <pid>) [0-9]+ / <user> \2 <cpu> /'
compose port web 80; compose port --protocol udp web 53; compose port --index 1 web 80; try compose port web 81 2>/dev/null; try compose port --index 2 web 80 2>/dev/null
compose images --format json | jq -c '.[] | [.ContainerName, .Repository, .Tag]' | sort; compose images --quiet | sort -u | wc -l; compose images | head -1 | xargs; compose images web --format json | jq length
compose volumes --quiet | sort; compose volumes --format '{{.Name}} {{.Driver}}' | sort; compose volumes app --quiet; compose volumes | head -1 | xargs
compose stats --no-stream --format '{{.Name}}' | sort; compose stats --no-stream web --format '{{.Name}}'; compose stop app 2>/dev/null; compose stats --no-stream --all --format '{{.Name}}' | sort; compose stats --no-stream --no-trunc --format '{{.ID}}' | wc -c
compose ls --format json | jq -c '.[] | [.Name, .Status]'; compose ls --quiet; compose stop 2>/dev/null; compose ls -q; compose ls --all --quiet; compose ls --all --filter name=p --quiet; compose ls -a --filter name=no -q
compose ls --all --format json | jq -r '.[0].Status, .[0].ConfigFiles'

#: waiting for the end
echo '{name: p, services: {one: {image: box, command: sh -c "sleep 1; exit 3", init: true}, two: {image: box, command: sleep 1000, init: true}}}' >compose.yaml
compose up -d 2>/dev/null; try compose wait one | sed 's/".*"/<container>/'; state
compose up -d 2>/dev/null; try compose wait --down-project one 2>/dev/null | sed 's/".*"/<container>/'; state
try compose wait one 2>/dev/null; try compose wait 2>/dev/null

#: attached to a service
echo '{name: p, services: {web: {image: box, command: sh -c "while read line; do echo got $$line; done; exit 5", stdin_open: true, scale: 2}}}' >compose.yaml
compose up -d 2>/dev/null
(echo one; until_ok sh -c 'docker logs p-web-1 | grep one') | timeout -s KILL 10 $COMPOSE attach web >out 2>/dev/null & until_ok grep 'got one' out; docker kill p-web-1 >id; wait; docker logs p-web-1; docker logs p-web-2
(echo two; until_ok sh -c 'docker logs p-web-2 | grep two') | timeout -s KILL 10 $COMPOSE attach --index 2 --sig-proxy=false web >out 2>/dev/null & until_ok grep 'got two' out; docker kill p-web-2 >id; wait; docker logs p-web-2
compose up -d 2>/dev/null; compose attach --no-stdin --detach-keys ctrl-a web >out 2>/dev/null & until_ok attached p-web-1 2; docker kill p-web-1 >id; wait; cat out
try compose attach --index 9 web 2>/dev/null; try compose attach gone 2>/dev/null

#: events of a project
echo '{name: p, services: {web: {image: box, command: sleep 1000, init: true}, app: {image: box, command: sleep 1000, init: true}}}' >compose.yaml
sleep 1.1; since=$(date +%s.%N)
compose up -d web 2>/dev/null; compose pause web 2>/dev/null; compose unpause web 2>/dev/null; compose kill web 2>/dev/null
until="$(date +%s.%N)"
compose events --json --since "$since" --until "$until" 2>/dev/null | jq -r .action | xargs
compose events --json --since "$since" --until "$until" 2>/dev/null | jq -c '[.type, .service, .attributes.image, .attributes.name]' | sort -u
compose events --since "$since" --until "$until" web 2>/dev/null | grep -oE 'container (create|start|pause|unpause|kill|die)' | xargs
compose events --json --since "$since" --until "$until" app 2>/dev/null | wc -l
timeout -s INT 2 $COMPOSE events --json >out 2>/dev/null & wait $!; wc -l <out

#: an archive and an image of a container
echo '{name: p, services: {web: {image: box, command: sleep 1000, init: true, scale: 2}}}' >compose.yaml
compose up -d 2>/dev/null; docker exec p-web-1 sh -c 'echo one >/desk/which'; docker exec p-web-2 sh -c 'echo two >/desk/which'
compose export --output one.tar web 2>/dev/null; tar -xOf one.tar desk/which; compose export --index 2 web 2>/dev/null | tar -xOf - desk/which
compose commit --author me --message why --change 'ENV A=b' --change 'CMD ["cat", "/desk/which"]' web kept:1 >/dev/null 2>&1; docker inspect -f '{{.Author}} {{.Comment}} {{json .Config.Cmd}} {{.Config.Env}}' kept:1; docker run --rm kept:1
compose commit --index 2 --pause=false web kept:2 >/dev/null 2>&1; docker run --rm kept:2 cat /desk/which
try compose commit gone kept:3 2>/dev/null; try compose export gone 2>/dev/null

#: versions
compose version --short | grep -cE '^v?[0-9]+\.[0-9]+\.[0-9]+'; compose version | grep -cE 'version v?[0-9]'; compose version --format json | jq -r 'keys[]'

#: pulling and pushing what cannot be had
mkdir made; echo 'FROM box' >made/Dockerfile
echo '{name: p, services: {web: {image: "127.0.0.1:1/none", depends_on: [db]}, db: {image: "127.0.0.1:1/base"}, made: {build: made, image: "127.0.0.1:1/made"}}}' >compose.yaml
try compose pull web 2>/dev/null; try compose pull --include-deps web 2>/dev/null; try compose pull --ignore-buildable made 2>/dev/null; try compose pull --policy always web 2>/dev/null; 
compose build >/dev/null 2>&1; try compose push made 2>/dev/null; try compose push --quiet --ignore-push-failures made 2>/dev/null; try compose push --include-deps made 2>/dev/null
compose build --push made >/dev/null 2>&1; echo "-> $?"

#: config shows what was understood
cat >compose.yaml <<'E'
name: p
services:
  web: {image: '${IMAGE:-box}', environment: {A: '${A}', B: 'a$$b'}, env_file: [more.env], volumes: ['data:/data', './src:/src'], networks: [inner], depends_on: [db]}
  db: {build: made, profiles: [data]}
networks: {inner: , spare: }
volumes: {data: , spare: }
E
echo 'C=listed' >more.env; export A=caller
try compose config --services 2>/dev/null; compose --profile data config --services | sort
compose --profile data config --format json | jq -S .services.web
compose --profile data config --volumes; compose --profile data config --networks | sort; compose --profile data config --images | sort; compose --profile data config --profiles
compose --profile data config --environment | grep -E '^(A|IMAGE|C)='
compose --profile data config --hash '*' | sed -E 's/[0-9a-f]{64}/<hash>/' | sort; compose --profile data config --hash web | cut -d' ' -f1
compose --profile data config --no-interpolate --format json | jq -c '[.services.web.image, .services.web.environment]'
compose --profile data config --output out.yaml; head -2 out.yaml; compose --profile data config --quiet; echo $?
compose --profile data config --variables | sort | xargs -n 5 | head -4
compose --profile data config --no-path-resolution --format json | jq -c '.services.web.volumes[1].source, .services.db.build.context'
compose config --no-consistency --format json | jq -c '.services.web.depends_on'
compose --profile data config --models; echo $?
try compose config 2>/dev/null
try compose --profile data config gone 2>/dev/null

#: an interface has the name that the file gives it
project() { echo "{name: p, services: {web: {image: box, command: sleep 1000, init: true, networks: {front: {interface_name: $1}, back: {}}}}, networks: {front: , back: }}" >compose.yaml; }
project lan0; compose up -d 2>/dev/null; compose exec -T web ls /sys/class/net | sort; docker inspect -f '{{json .NetworkSettings.Networks.p_front.DriverOpts}}' p-web-1
docker inspect -f '{{.Id}}' p-web-1 >before; compose up -d 2>/dev/null; docker inspect -f '{{.Id}}' p-web-1 | cmp -s - before && echo left alone
project wan0; compose up -d -t 1 2>/dev/null; compose exec -T web ls /sys/class/net | sort; docker inspect -f '{{.Id}}' p-web-1 | cmp -s - before || echo made anew
