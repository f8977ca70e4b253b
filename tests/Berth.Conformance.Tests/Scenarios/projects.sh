#: up makes what the file says, and down takes it away but for the volumes
cat >compose.yaml <<'E'
name: p
services:
  web: {image: box, command: sleep 1000, init: true, networks: [inner], volumes: ['data:/data', /anon]}
  app: {image: box, command: sleep 1000, init: true, depends_on: [web]}
  idle: {image: box, command: sleep 1000, profiles: [spare]}
networks: {inner: {internal: true}}
volumes: {data: , unused: }
E
compose up --detach 2>/dev/null; echo $?; state
compose up -d 2>/dev/null; echo $?
compose down --timeout 3 2>/dev/null; echo $?; state
compose up -d --yes 2>/dev/null; compose down --volumes 2>/dev/null; echo $?; state
compose --profile spare up -d 2>/dev/null; state; compose --profile spare down -v 2>/dev/null; state

#: what was changed is made anew, and the rest is left alone
file() { echo "{name: p, services: {web: {image: box, command: sleep 1000, init: true, environment: {A: $1}}, app: {image: box, command: sleep 1000, init: true, depends_on: [web]}}}" >compose.yaml; }
ids() { for name in p-web-1 p-app-1; do id=$(docker inspect -f '{{.Id}}' $name); [ "$id" = "$(cat $name.id 2>/dev/null)" ] && echo "$name the same" || echo "$name new"; echo "$id" >$name.id; done; }
file 1; compose up -d 2>/dev/null; ids
compose up -d 2>/dev/null; ids
file 2; compose up -d --no-recreate 2>/dev/null; ids; docker exec p-web-1 sh -c 'echo $A'
compose up -d 2>/dev/null; ids; docker exec p-web-1 sh -c 'echo $A'
compose up -d --force-recreate 2>/dev/null; ids
compose up -d --force-recreate --no-deps app 2>/dev/null; ids
compose up -d --force-recreate app 2>/dev/null; ids
file 3; compose up -d --no-deps app 2>/dev/null; ids; docker exec p-web-1 sh -c 'echo $A'
compose up -d --always-recreate-deps app 2>/dev/null; ids
compose up -d --force-recreate --no-recreate 2>&1 | grep -o 'force-recreate and --no-recreate are incompatible'

#: create makes and start starts
echo '{name: p, services: {web: {image: box, command: sleep 1000, init: true}, app: {image: box, command: sleep 1000, init: true, depends_on: [web]}}}' >compose.yaml
compose create 2>/dev/null; echo $?; state
compose start 2>/dev/null; echo $?; state
compose stop --timeout 5 2>/dev/null; echo $?; state
compose start app 2>/dev/null; state
compose stop app 2>/dev/null; state
id=$(docker inspect -f '{{.Id}}' p-web-1)
compose create --no-recreate 2>/dev/null; test "$id" = "$(docker inspect -f '{{.Id}}' p-web-1)" && echo the same
compose create --force-recreate 2>/dev/null; test "$id" = "$(docker inspect -f '{{.Id}}' p-web-1)" || echo new
compose create --yes --scale web=3 2>/dev/null; state
compose up --no-start --scale web=1 2>/dev/null; state
compose down 2>/dev/null
try compose start 2>/dev/null
try compose stop 2>/dev/null

#: what the file does not have any more
echo '{name: p, services: {web: {image: box, command: sleep 1000, init: true}, old: {image: box, command: sleep 1000, init: true}}}' >compose.yaml
compose up -d 2>/dev/null
echo '{name: p, services: {web: {image: box, command: sleep 1000, init: true}}}' >compose.yaml
compose up -d 2>err; grep -c 'orphan containers (\[p-old-1\])' err; state
compose down 2>/dev/null; state
compose up -d 2>/dev/null; compose up -d --remove-orphans 2>/dev/null; state
cp compose.yaml new; sed -i 's/web:/old:/' compose.yaml; compose up -d 2>/dev/null; cp new compose.yaml
compose create --remove-orphans 2>/dev/null; state
sed -i 's/web:/old:/' compose.yaml; compose up -d 2>/dev/null; cp new compose.yaml
compose run --rm --remove-orphans web echo ran 2>/dev/null; state
sed -i 's/web:/old:/' compose.yaml; compose up -d 2>/dev/null; cp new compose.yaml
compose down --remove-orphans 2>/dev/null; state
sed -i 's/web:/old:/' compose.yaml; compose up -d 2>/dev/null; cp new compose.yaml
COMPOSE_REMOVE_ORPHANS=1 compose up -d 2>/dev/null; state
cp new compose.yaml; sed -i 's/web:/old:/' compose.yaml; compose up -d 2>/dev/null; cp new compose.yaml
compose kill --remove-orphans 2>/dev/null; state

#: more containers of a service and fewer
echo '{name: p, services: {web: {image: box, command: sleep 1000, init: true}, app: {image: box, command: sleep 1000, init: true, depends_on: [web]}}}' >compose.yaml
compose up -d --scale web=3 2>/dev/null; state
compose scale web=2 app=2 2>/dev/null; echo $?; state
compose down 2>/dev/null
compose scale --no-deps app=1 2>/dev/null; state
compose up -d --scale app=0 2>/dev/null; state
try compose scale gone=2 2>/dev/null
try compose scale web 2>/dev/null
try compose scale web=x 2>/dev/null

#: anonymous volumes stay with a service that is made anew
echo '{name: p, services: {web: {image: box, command: sleep 1000, init: true, volumes: [/anon]}}}' >compose.yaml
compose up -d 2>/dev/null; docker exec p-web-1 sh -c 'echo kept >/anon/file'
compose up -d --force-recreate 2>/dev/null; docker exec p-web-1 cat /anon/file
compose up -d --force-recreate --renew-anon-volumes 2>/dev/null; docker exec p-web-1 ls /anon
docker exec p-web-1 sh -c 'echo kept >/anon/file'; compose up -d -V 2>/dev/null; docker exec p-web-1 cat /anon/file
compose down -v 2>/dev/null; state

#: images are built where they are missing, or asked for
mkdir made; printf 'FROM box\nARG WHO=nobody\nRUN echo $WHO >/who\n' >made/Dockerfile
echo '{name: p, services: {web: {build: made, command: sleep 1000, init: true}, named: {build: made, image: mine:1, command: sleep 1000, init: true}}}' >compose.yaml
try compose up -d --no-build 2>/dev/null
compose up -d --quiet-build >/dev/null 2>&1; state; docker images --format '{{.Repository}}:{{.Tag}}' | grep -v none | sort
printf 'FROM box\nARG WHO=somebody\nRUN echo $WHO >/who\n' >made/Dockerfile
compose up -d >/dev/null 2>&1; docker exec p-web-1 cat /who
compose up -d --build >/dev/null 2>&1; docker exec p-web-1 cat /who
printf 'FROM box\nRUN echo created >/who\n' >made/Dockerfile
compose create --build >/dev/null 2>&1; compose start 2>/dev/null; docker exec p-web-1 cat /who
printf 'FROM box\nRUN echo run >/who\n' >made/Dockerfile
compose run --rm --build --quiet-build web cat /who 2>/dev/null | tail -1
try compose create --no-build --build 2>/dev/null
compose down --rmi local 2>/dev/null; docker images --format '{{.Repository}}:{{.Tag}}' | grep -v none | sort
compose build >/dev/null 2>&1; compose up -d 2>/dev/null; compose down --rmi all 2>/dev/null; docker images --format '{{.Repository}}:{{.Tag}}' | grep -v none | sort

#: build with its options
mkdir made base; printf 'FROM box\nRUN echo base >/base\n' >base/Dockerfile; printf 'FROM box\nARG WHO=nobody\nRUN echo $WHO >/who; date +%%N >/when\n' >made/Dockerfile
echo '{name: p, services: {web: {build: {context: made, args: {WHO: file}}, depends_on: [base]}, base: {build: base}}}' >compose.yaml
compose build web >/dev/null 2>&1; docker images --format '{{.Repository}}' | grep -v none | sort
compose run --rm --no-deps web cat /who 2>/dev/null; when=$(compose run --rm --no-deps web cat /when 2>/dev/null)
compose build web >/dev/null 2>&1; test "$when" = "$(compose run --rm --no-deps web cat /when 2>/dev/null)" && echo kept
compose build --no-cache web >/dev/null 2>&1; test "$when" = "$(compose run --rm --no-deps web cat /when 2>/dev/null)" || echo built anew
compose build --build-arg WHO=caller web >/dev/null 2>&1; compose run --rm --no-deps web cat /who 2>/dev/null
compose build --quiet web >/dev/null 2>&1; echo $?
compose build --with-dependencies web >/dev/null 2>&1; docker images --format '{{.Repository}}' | grep -v none | sort
printf 'FROM box\nRUN false\n' >made/Dockerfile; compose build web >/dev/null 2>&1; echo "-> $?"; compose up -d >/dev/null 2>&1; echo "-> $?"; state
try compose build gone 2>/dev/null

#: images that are not there, or that one may not look for
echo '{name: p, services: {web: {image: "127.0.0.1:1/none", command: sleep 1000}, box: {image: box, command: sleep 1000, init: true}}}' >compose.yaml
try compose up -d 2>/dev/null; state
try compose up -d --pull never web 2>/dev/null
try compose up -d --pull never box 2>/dev/null
try compose up -d --pull always --quiet-pull box 2>/dev/null
try compose create --pull always --quiet-pull box 2>/dev/null
try compose run --rm --pull never box echo ran 2>/dev/null
try compose run --rm --pull always --quiet-pull box echo ran 2>/dev/null
try compose pull web 2>/dev/null
try compose pull --quiet --ignore-pull-failures web 2>/dev/null
try compose up -d --pull sometimes box 2>/dev/null

#: waiting until everything is healthy
cat >compose.yaml <<'E'
name: p
services:
  web: {image: box, command: sh -c 'sleep 1; touch /ready; sleep 1000', init: true, healthcheck: {test: test -e /ready, interval: 200ms, retries: 100}}
  app: {image: box, command: sleep 1000, init: true, depends_on: {web: {condition: service_healthy}}}
E
compose up --wait 2>/dev/null; echo $?; docker inspect -f '{{.State.Health.Status}}' p-web-1; state
compose down -t 0 2>/dev/null
sed -i 's/touch/true/' compose.yaml
try compose up --wait --wait-timeout 1 web 2>/dev/null
sed -i 's/test -e/exec test -x/; s/retries: 100/retries: 2/' compose.yaml
try compose up -d 2>/dev/null; state | grep -v created

#: what is waited for ends badly
cat >compose.yaml <<'E'
name: p
services:
  job: {image: box, command: sh -c 'exit 3'}
  app: {image: box, command: sleep 1000, init: true, depends_on: {job: {condition: service_completed_successfully}}}
  after: {image: box, command: sleep 1000, init: true, depends_on: {job: {condition: service_completed_successfully, required: false}}}
E
try compose up -d app 2>/dev/null; state | grep -v created
try compose up -d after 2>/dev/null; state | grep -v created
sed -i 's/exit 3/exit 0/' compose.yaml
try compose up -d 2>/dev/null; state | grep -v created

#: in the foreground until one ends
cat >compose.yaml <<'E'
name: p
services:
  job: {image: box, command: sh -c 'echo from job; sleep 1; exit 3', init: true}
  good: {image: box, command: sh -c 'echo from good', init: true}
  app: {image: box, command: sh -c 'echo from app; exec sleep 1000', init: true}
E
compose up --abort-on-container-exit job app >out 2>/dev/null; echo "-> $?"; state; grep -c 'job-1  | from job' out
compose down 2>/dev/null
compose up --exit-code-from job >/dev/null 2>&1; echo "-> $?"; state; compose down 2>/dev/null
compose up --abort-on-container-failure good job app >/dev/null 2>&1; echo "-> $?"; state; compose down 2>/dev/null
compose up good >/dev/null 2>&1; echo "-> $?"; state; compose down 2>/dev/null
compose up --exit-code-from gone >/dev/null 2>&1; echo $?; state
try compose up -d --abort-on-container-exit 2>/dev/null

#: what is shown in the foreground
cat >compose.yaml <<'E'
name: p
services:
  one: {image: box, command: echo from one}
  two: {image: box, command: echo from two}
  three: {image: box, command: echo from three, depends_on: [two]}
  quiet: {image: box, command: echo from quiet, attach: false}
E
shown() { grep -oE '([a-z]+-1 +\| )?from .*' | sed 's/ *|/ |/' | sort; }
compose up 2>/dev/null | shown
compose down 2>/dev/null; compose up --attach one --attach quiet 2>/dev/null | shown
compose down 2>/dev/null; compose up --no-attach one 2>/dev/null | shown
compose down 2>/dev/null; compose up three 2>/dev/null | shown
compose down 2>/dev/null; compose up --attach-dependencies three 2>/dev/null | shown
compose down 2>/dev/null; compose up --no-log-prefix --no-color one 2>/dev/null | shown
compose down 2>/dev/null; compose up --timestamps one 2>/dev/null | grep -oE '[0-9T:.-]{20,}Z from one' | sed 's/^[^Z]*Z/<when>/'

#: interrupted in the foreground it stops what it started
echo '{name: p, services: {web: {image: box, command: sh -c "echo there; exec sleep 1000", init: true}}}' >compose.yaml
$COMPOSE up --menu=false --timeout 3 >out 2>/dev/null & up=$!
until_ok grep there out; kill -TERM $up; wait $up; echo $?; state

#: several files and folders, and what is said of them
mkdir sub; echo '{name: p, services: {web: {image: box, command: sleep 1000, init: true, environment: {A: "${A-none}"}}}}' >sub/base.yaml; echo 'services: {web: {environment: {B: "${B-none}"}}}' >sub/over.yaml
echo A=file >vars; echo B=second >more
compose --file sub/base.yaml --file sub/over.yaml --env-file vars --env-file more --project-name q up -d 2>/dev/null; state; docker exec q-web-1 sh -c 'echo $A $B'
compose -p q ps --format '{{.Name}} {{.State}}'
compose -p q down 2>/dev/null; state
compose --project-directory sub -f sub/base.yaml config --format json | jq -r .name
cd sub; COMPOSE_FILE=base.yaml:over.yaml compose config --services; COMPOSE_FILE=base.yaml,over.yaml COMPOSE_PATH_SEPARATOR=, compose config --services
COMPOSE_PROJECT_NAME=r compose -f base.yaml config --format json | jq -r .name; cd ..
echo '{services: {a: {image: box}, b: {image: box, profiles: [x]}, c: {image: box, profiles: [y]}}}' >compose.yaml
compose --profile x config --services | sort | xargs; COMPOSE_PROFILES=x,y compose config --services | sort | xargs; compose --profile '*' config --services | sort | xargs
try compose -f gone.yaml ps 2>/dev/null
try compose --progress plain ps -q
compose --ansi never --progress quiet up -d a 2>&1
cd sub; mkdir empty; cd empty; rm ../../compose.yaml; try compose ps 2>/dev/null

#: a dry run does nothing
echo '{name: p, services: {web: {image: box, command: sleep 1000, init: true}}}' >compose.yaml
compose --dry-run up -d >/dev/null 2>&1; echo "-> $?"; state
compose up -d 2>/dev/null; for verb in 'stop' 'restart' 'kill' 'down -v' 'rm -fs' 'pause' 'scale web=3' 'up -d --force-recreate'; do compose --dry-run $verb >/dev/null 2>&1; echo "-> $?"; done; state

#: one at a time, and what no service uses
echo '{name: p, services: {web: {image: box, command: sleep 1000, init: true}, app: {image: box, command: sleep 1000, init: true}}, networks: {spare: }, volumes: {spare: }}' >compose.yaml
compose --parallel 1 up -d 2>/dev/null; echo $?; state
compose --all-resources up -d 2>/dev/null; state
compose --all-resources config --volumes; compose config --volumes; compose --all-resources down -v 2>/dev/null; state
COMPOSE_PARALLEL_LIMIT=2 compose up -d 2>/dev/null; state
compose down -v 2>/dev/null
compose --compatibility up -d 2>/dev/null; state; compose --compatibility ps --format '{{.Name}}'; compose --compatibility down 2>/dev/null; state
