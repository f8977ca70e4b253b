#: every instruction leaves its mark
cat >Dockerfile <<'D'
# a comment
FROM box
ARG VERSION=1
ENV A=1 B="two words" C=c\ d
ENV OLD style value
LABEL one=1 "two words"='2 3' version=$VERSION
EXPOSE 80 443/tcp 53/udp 90-92
VOLUME ["/v1", "/v2 spaced"]
VOLUME /v3 /v4
WORKDIR /srv
WORKDIR sub/$A
USER 7:8
STOPSIGNAL 9
ENTRYPOINT ["echo", "$A"]
CMD ["x", "y z"]
MAINTAINER A U Thor <a@example.test>
D
docker build -q -t marked . >id
docker inspect -f '{{json .Config}}' marked | jq -S -c '{Env, Labels, ExposedPorts, Volumes, WorkingDir, User, StopSignal, Entrypoint, Cmd}'
docker inspect -f '{{.Author}}' marked
docker run --rm marked
docker run --rm --entrypoint sh marked -c 'pwd; id -u; id -g; echo $B-$C-$OLD'

#: commands as words and as a line
build() { docker build -q -t "$1" - >id; }
build words <<<$'FROM box\nENTRYPOINT ["echo", "e"]\nCMD ["c", "$HOME"]'
build line <<<$'FROM box\nENTRYPOINT echo e $((1+1))\nCMD ["ignored"]'
build cmd <<<$'FROM box\nCMD echo a; echo $((2+2))'
build reset <<<$'FROM words\nENTRYPOINT ["echo", "new"]'
build cleared <<<$'FROM words\nENTRYPOINT []\nCMD ["echo", "plain"]'
build last <<<$'FROM box\nCMD ["echo", "first"]\nCMD ["echo", "second"]'
for n in words line cmd reset cleared last; do docker run --rm "$n"; docker inspect -f '{{json .Config.Entrypoint}} {{json .Config.Cmd}}' "$n"; done
docker run --rm words from the user; docker run --rm --entrypoint echo words over

#: arguments reach the steps, and the image only through ENV
cat >Dockerfile <<'D'
ARG BASE=box
FROM $BASE
ARG GIVEN
ARG DEFAULT=d
ARG BASE
RUN echo "given=$GIVEN default=$DEFAULT base=$BASE unset=${UNSET:-none}" >/desk/args
ENV KEPT=$GIVEN-${DEFAULT}
ENV OVER=image
ARG OVER=arg
RUN echo "over=$OVER" >>/desk/args; env | grep -c GIVEN >>/desk/args
D
docker build -q -t args --build-arg GIVEN=yes . >id; docker run --rm args sh -c 'cat args; echo $KEPT; env | grep -c GIVEN'
GIVEN=from-outside docker build -q -t args --build-arg GIVEN --build-arg DEFAULT=x . >id; docker run --rm args head -n 1 args
docker build -q -t args --build-arg BASE=missing-image/x . >out 2>&1; echo $?
docker build --build-arg UNUSED=1 -t args . 2>&1 | grep -oE '\[Warning\].*|Successfully tagged .*'
docker build -q -t args --build-arg HTTP_PROXY=http://p - <<<$'FROM box\nRUN echo $HTTP_PROXY >proxy' >id; docker run --rm args sh -c 'cat proxy; echo ${HTTP_PROXY:-not kept}'

#: variables are replaced in instructions
cat >Dockerfile <<'D'
FROM box
ENV N=name EMPTY=
ENV D=${N:-default} E=${EMPTY:-default} F=${EMPTY:+alt} G=${N:+alt} H=\$N I='$N' J="$N" K=${NOPE-unset}
ENV N=later M=$N
WORKDIR /dir-$D
COPY $N.txt ${N}/copy
LABEL l=$N
EXPOSE ${PORT:-8080}
USER ${UID_:-5}
RUN true
D
echo text >later.txt
docker build -q -t vars . >id
docker run --rm vars sh -c 'echo "D=$D E=$E F=$F G=$G H=$H I=$I J=$J K=$K M=$M"; pwd; cat later/copy'
docker inspect -f '{{json .Config.Labels}} {{json .Config.ExposedPorts}} {{.Config.User}}' vars

#: files are copied as the patterns say
mkdir -p src/sub .hidden; echo a >src/a.txt; echo b >src/b.txt; echo c >src/sub/c.txt; echo s >'with space'; echo h >.hidden/h; ln -s a.txt src/link; chmod 711 src/b.txt; mkdir src/empty
cat >Dockerfile <<'D'
FROM box
COPY src /d1
COPY src/ /d2/
COPY src/*.txt src/sub/?.txt /d3/
COPY ["with space", "/d4/also with space"]
COPY src/a.txt /d5
COPY src/a.txt src/b.txt d6/
COPY --chown=11:22 src /d7
COPY .hidden ./
COPY . /all
RUN chmod 700 /d1/a.txt
D
docker build -q -t copied . >id
docker run --rm copied sh -c 'cd /; find d1 d2 d3 d4 d5 desk | sort; readlink d2/link; stat -c "%n %u:%g %a" d2/b.txt d7 d7/sub/c.txt d1/a.txt; ls -A /all'

#: what cannot be copied fails the build
echo x >x; mkdir dir
fails() { echo "$1" >Dockerfile; docker build -t failing . >out 2>&1; echo "$? ${1##*$'\n'}"; }
fails $'FROM box\nCOPY missing /x'
fails $'FROM box\nCOPY *.none /x/'
fails $'FROM box\nCOPY x x /file'
fails $'FROM box\nCOPY x'
fails $'FROM box\nCOPY --from=nothing /x /x'
fails $'FROM box\nCOPY --nonsense x /x'
fails $'FROM box\nADD /etc/passwd /x'
fails $'FROM box\nCOPY x /bin/busybox/sub'
docker images -q failing | wc -l

#: archives are unpacked by ADD, not by COPY
mkdir -p t/deep; echo one >t/one; echo two >t/deep/two; chown 5:6 t/one; tar cf a.tar t; tar czf a.tgz t; tar cJf a.tar.xz t 2>/dev/null || cp a.tgz a.tar.xz; tar cjf a.tar.bz2 t 2>/dev/null || cp a.tgz a.tar.bz2; gzip -k t/one; echo not an archive >fake.tar.gz
cat >Dockerfile <<'D'
FROM box
ADD a.tar /plain/
ADD a.tgz /gz
ADD a.tar.xz /xz/
ADD a.tar.bz2 /bz2/
COPY a.tar /copied/
ADD t/one.gz /single/
ADD fake.tar.gz /fake/
ADD t /dir
D
docker build -q -t added . >id
docker run --rm added sh -c 'cd /; cat plain/t/one gz/t/deep/two xz/t/one bz2/t/one; ls copied single fake dir; stat -c %u:%g plain/t/one dir/one'

#: stages build upon each other, and one may be asked for
cat >Dockerfile <<'D'
FROM box AS first
RUN echo first >/desk/result
FROM first AS second
RUN echo second >>/desk/result && mkdir /out && echo o >/out/o
FROM scratch AS bare
COPY --from=second /out /
FROM box
COPY --from=0 /desk/result /desk/zero
COPY --from=second /desk/result /desk/one
COPY --from=bare /o /desk/
COPY --from=box:latest /bin/busybox /desk/
COPY --from=second --chown=9:9 /out /desk/owned/
D
docker build -q -t final . >id; docker run --rm final sh -c 'ls; cat zero one o; stat -c %u:%g owned owned/o'
docker build -q -t target --target second . >id; docker run --rm target cat result
docker build -q -t target --target FIRST . >id; docker run --rm target cat result
docker build -q --target missing . >out 2>&1; echo $?
docker build -q -t bare --target bare . >id; docker create --name cc bare x >id; docker export cc | tar tf - | grep '^o$'

#: what is ignored stays out
mkdir -p keep/deep node_modules/x logs .git; touch keep/a.log keep/b.txt keep/deep/c.log node_modules/x/y logs/important.log logs/other.log .git/config README.md a.md temp1 temp22
cat >.dockerignore <<'D'
# a comment

node_modules
**/*.log
!logs/important.log
/.git
*.md
!README.md
temp?
Dockerfile*
.dockerignore
D
printf 'FROM box\nCOPY . /all\n' >Dockerfile
docker build -q -t ignoring . >id; docker run --rm ignoring sh -c 'cd /all; find . | sort'
printf 'FROM box\nCOPY a.md /all/\n' >Dockerfile; docker build -q . >out 2>&1; echo $?
printf '*\n!keep\nkeep/*.txt\n' >.dockerignore; printf 'FROM box\nCOPY . /all\n' >Dockerfile; docker build -q -t ignoring . >id; docker run --rm ignoring sh -c 'cd /all; find . -type f | sort'

#: steps come from the cache until something changes
mkdir ctx; echo one >ctx/file; head -c 20 /dev/urandom | base64 >ctx/salt
cat >ctx/Dockerfile <<'D'
FROM box
COPY salt /desk/
ARG V=1
RUN cat /proc/sys/kernel/random/uuid >/desk/t1
COPY file /desk/
RUN cat /proc/sys/kernel/random/uuid >/desk/t2
D
times() { docker build -q -t cached "$@" ctx >id; docker run --rm cached cat t1 t2 >"$n"; }
n=a times; n=b times; cmp a b && echo all from the cache
echo two >ctx/file; n=c times; test "$(head -n 1 a)" = "$(head -n 1 c)" && echo the first step from the cache; test "$(tail -n 1 a)" = "$(tail -n 1 c)" || echo the second anew
touch -d 2001-01-01T00:00:00Z ctx/file; n=d times; cmp c d && echo times do not count
chmod 600 ctx/file; n=e times; test "$(tail -n 1 d)" = "$(tail -n 1 e)" || echo modes do
n=f times --build-arg V=2; test "$(head -n 1 e)" = "$(head -n 1 f)" || echo arguments do
n=g times --no-cache; test "$(head -n 1 a)" = "$(head -n 1 g)" || echo nothing without cache
docker build -t cached ctx | grep -o 'Using cache' | sort -u

#: the classic output
docker build -t told:v1 - <<'D' 2>&1 | sed 's/\x1b\[[0-9]*m//g' | grep -vE '^Sending|^ --->'
FROM box
RUN echo from the step; sleep 0.3; echo and its errors >&2
ENV A=1
CMD ["true"]
D
docker build -t told:v2 -t also:v2 - <<<$'FROM box\nLABEL x=y' | grep '^Successfully tagged' | sort
docker build -q -t quiet - <<<$'FROM box\nLABEL x=z' | sed 's/^sha256:.*/an id/'

#: a failing step fails the build with its code
for code in 1 7 127; do docker build -t failing - <<<$'FROM box\nRUN echo before >/desk/x\nRUN echo reason; exit '$code >out 2>err; echo $?; grep -o '^reason' out; grep -o "returned a non-zero code: $code" err; done
docker build - <<<$'FROM box\nRUN no-such-program' 2>&1 | grep -o 'returned a non-zero code: 127'
docker build - <<<$'FROM box\nRUN ["/no/such/program"]' >out 2>&1; echo $?
docker build - <<<$'FROM box\nRUN kill -9 $$' 2>&1 | grep -o 'returned a non-zero code: 137'
docker images -q failing | wc -l; docker ps -aq --filter status=running | wc -l

#: bad Dockerfiles are refused
bad() { docker build - >out 2>&1 <<<"$1"; echo "$? for ${1##*$'\n'}"; }
bad ''
bad '# only a comment'
bad $'FROM box\nNONSENSE x'
bad $'RUN true\nFROM box'
bad $'FROM box\nEXPOSE nonsense'
bad $'FROM box\nENV'
bad $'FROM box\nWORKDIR'
bad $'FROM'
bad $'FROM box AS 9bad'
bad $'FROM box\nONBUILD FROM box'
bad $'FROM box\nHEALTHCHECK NONSENSE'
bad $'FROM box\nSTOPSIGNAL NONSENSE'
docker build . >out 2>&1; echo $?; docker build -f missing . >out 2>&1; echo $?; docker build missing-folder >out 2>&1; echo $?

#: the Dockerfile may be elsewhere
mkdir -p ctx/docker other; echo content >ctx/file; printf 'FROM box\nCOPY file /desk/inside\n' >ctx/docker/Build; printf 'FROM box\nCOPY file /desk/outside\n' >other/Dockerfile; printf 'from box\ncopy file /desk/lower\n' >ctx/dockerfile
docker build -q -t fx -f ctx/docker/Build ctx >id; docker run --rm fx ls
docker build -q -t fx -f other/Dockerfile ctx >id; docker run --rm fx ls
docker build -q -t fx -f - ctx <<<$'FROM box\nCOPY file /desk/stdin' >id; docker run --rm fx ls
docker build -q -t fx ctx >id; docker run --rm fx ls
cd ctx/docker; docker build -q -t fx -f Build .. >../../id; docker run --rm fx cat inside

#: a context comes as an archive
mkdir ctx; echo content >ctx/file; printf 'FROM box\nCOPY file /desk/x\n' >ctx/Dockerfile; printf 'FROM box\nCOPY file /desk/y\n' >ctx/Other
tar c -C ctx . | docker build -q -t piped - >id; docker run --rm piped cat x
tar cz -C ctx . | docker build -q -t piped -f Other - >id; docker run --rm piped cat y
tar c -C ctx . >ctx.tar; api POST '/build?t=by-api&q=1' -H 'Content-Type: application/x-tar' --data-binary @ctx.tar | tail -n 1; docker run --rm by-api cat x
api POST '/build?t=by-api2&dockerfile=Other&labels=%7B%22a%22%3A%22b%22%7D' -H 'Content-Type: application/x-tar' --data-binary @ctx.tar | grep -c '"stream":"Successfully tagged by-api2:latest'
docker inspect -f '{{.Config.Labels}}' by-api2
api POST '/build?dockerfile=Missing' -H 'Content-Type: application/x-tar' --data-binary @ctx.tar | tail -n 1 | sed 's/[45]0./refused/'
api POST '/build?t=UPPER' -H 'Content-Type: application/x-tar' --data-binary @ctx.tar | tail -n 1 | sed 's/[45]0./refused/'
api POST '/build' -H 'Content-Type: application/x-tar' --data-binary rubbish | tail -n 1 | sed 's/[45]0./refused/'

#: options of a build
docker build -q -t opts --label a=b --label c='d e' --add-host hidden:10.1.2.3 --network none --iidfile iid --shm-size 32m --memory 100m --ulimit nofile=77:88 - <<'D' >id
FROM box
LABEL a=dockerfile keep=yes
RUN grep hidden /etc/hosts | tr '\t' ' ' >/desk/out; ls /sys/class/net >>/desk/out; ulimit -n >>/desk/out; grep -c hidden /etc/hosts
RUN df -k /dev/shm | tail -n 1 | awk '{print $2}' >>/desk/out
D
docker run --rm opts cat out
docker inspect -f '{{json .Config.Labels}}' opts
test "$(cat iid)" = "$(docker inspect -f '{{.Id}}' opts)" && echo the id in a file
docker run --rm opts grep -c hidden /etc/hosts
docker build -q --rm=false - <<<$'FROM box\nRUN echo left-behind' >id; docker build -q --force-rm --pull=false -t forced - <<<$'FROM box\nRUN exit 0' | wc -l
docker build -q --squash -t squashed - <<<'FROM box' >out 2>&1; echo $?

#: a shell of one's own
cat >Dockerfile <<'D'
FROM box
RUN echo "default $0" >/desk/out
SHELL ["/bin/sh", "-e", "-c"]
RUN echo "mine $-" | tr -d 'shc' >>/desk/out
SHELL ["/bin/echo", "said:"]
CMD anything at all
D
docker build -q -t shelled . >id
docker run --rm shelled
docker run --rm shelled cat /desk/out
docker inspect -f '{{json .Config.Shell}} {{json .Config.Cmd}}' shelled
docker build - <<<$'FROM box\nSHELL /bin/sh -c' >out 2>&1; echo $?

#: what waits for the next build
docker build -q -t waiting - <<'D' >id
FROM box
ONBUILD COPY file /desk/
ONBUILD RUN echo "built $(cat /desk/file)" >/desk/out
ONBUILD ENV LATE=yes
CMD cat /desk/out; echo $LATE
D
docker inspect -f '{{json .Config.OnBuild}}' waiting
docker run --rm waiting sh -c 'ls; echo ${LATE:-not yet}'
mkdir ctx; echo app >ctx/file; echo 'FROM waiting' >ctx/Dockerfile; docker build -q -t built ctx >id
docker run --rm built
docker inspect -f '{{json .Config.OnBuild}}' built

#: a check of health comes with the image
docker build -q -t checked - <<'D' >id
FROM box
HEALTHCHECK --interval=100ms --timeout=3s --retries=2 --start-period=1m30s CMD test -e /desk/ok && echo fine
CMD sleep 1000
D
docker inspect -f '{{json .Config.Healthcheck}}' checked | jq -S -c .
docker run -d --name checking checked >id; docker exec checking touch /desk/ok
until_ok sh -c "docker inspect -f '{{.State.Health.Status}}' checking | grep -x healthy"; docker inspect -f '{{.State.Health.Status}} {{(index .State.Health.Log 0).ExitCode}}' checking | sed 's/ .*//'
docker build -q -t unchecked - <<<$'FROM checked\nHEALTHCHECK NONE' >id; docker inspect -f '{{json .Config.Healthcheck.Test}}' unchecked
docker run -d --name not-checking unchecked >id; docker inspect -f '{{json .State.Health}}' not-checking
docker build -q -t words - <<<$'FROM box\nHEALTHCHECK CMD ["test", "-e", "/x"]' >id; docker inspect -f '{{json .Config.Healthcheck.Test}}' words

#: steps run as the user in the folder, with the volumes' content kept
cat >Dockerfile <<'D'
FROM box
RUN mkdir -p /etc /data && echo 'app:x:1001:1002::/home/app:/bin/sh' >/etc/passwd && printf 'app:x:1002:\nextra:x:1003:app\n' >/etc/group && echo before >/data/file && chmod 777 /data /desk
VOLUME /data
USER app
WORKDIR /made/for
RUN id -u >/desk/ids && id -g >>/desk/ids && id -G >>/desk/ids && pwd >>/desk/ids && echo ~ >>/desk/ids
COPY Dockerfile /desk/copied
USER 0:extra
RUN id -g >>/desk/ids
USER app
D
docker build -q -t users . >id
docker run --rm users sh -c 'cat /desk/ids; stat -c %u:%g /made/for /desk/copied /desk/ids; ls /data; cat /data/file'
docker run --rm -u extra users id 2>/dev/null | wc -l
docker build - <<<$'FROM box\nUSER nobody-here\nRUN true' >out 2>&1; echo $?

#: long lines, comments between them, and files written inline
cat >Dockerfile <<'D'
# escape=`
FROM box
RUN echo one `
    # a comment inside
    && echo two `

    && echo three
RUN printf '%s|' a\b "c  d" 'e#f' >/desk/out
ENV X=`
y
D
docker build -t lines . | grep -xE 'one|two|three'
docker run --rm lines sh -c 'cat out; echo; echo $X'
printf 'FROM box\r\nRUN echo crlf >/desk/x\r\nCMD ["cat","/desk/x"]\r\n' >Dockerfile; docker build -q -t lines . >id; docker run --rm lines | od -c | head -n 1
printf '\xef\xbb\xbfFROM box\nRUN echo bom\n' >Dockerfile; docker build . | grep -x bom

#: an image may be bare
mkdir ctx; cp "$(command -v busybox || echo /bin/busybox)" ctx/sh
printf 'FROM scratch\nCOPY sh /bin/sh\nENTRYPOINT ["/bin/sh","-c"]\nCMD ["echo bare; pwd; echo $PATH"]\n' >ctx/Dockerfile
docker build -q -t bare ctx >id; docker run --rm bare
docker inspect -f '{{len .RootFS.Layers}} {{json .Config.WorkingDir}}' bare
docker build -q -t nothing - <<<$'FROM scratch\nLABEL empty=yes' >id; docker inspect -f '{{len .RootFS.Layers}} {{.Config.Labels}}' nothing
docker create --name cc nothing x >id; docker export cc | tar tf - | grep -vE '^(dev|etc|proc|sys|\.dockerenv)'
docker build - <<<'FROM missing.example.invalid/nothing' >out 2>&1; echo $?

#: deleted files stay deleted, replaced ones replaced
docker build -q -t lower - <<<$'FROM box\nRUN mkdir -p /d/sub /e && echo 1 >/d/a && echo 2 >/d/sub/b && echo 3 >/e/c && ln -s a /d/l && mkfifo /d/p && ln /d/a /d/hard' >id
docker build -q -t upper - <<<$'FROM lower\nRUN rm -r /d/sub && mkdir /d/sub && echo new >/d/sub/n\nRUN rm -r /e && echo now a file >/e\nRUN rm /d/l && mkdir /d/l\nRUN echo more >>/d/hard' >id
docker run --rm upper sh -c 'ls /d /d/sub; cat /e /d/a; stat -c "%n %F" /d/l /d/p'
docker save upper >u.tar; docker rmi upper >id; docker load -q -i u.tar; docker run --rm upper sh -c 'ls /d/sub; cat /e /d/hard'
docker inspect -f '{{len .RootFS.Layers}}' upper

#: the builder's cache is pruned
docker build -q -t cached - <<<$'FROM box\nRUN cat /proc/sys/kernel/random/uuid >/desk/t' >id; docker run --rm cached cat t >a
docker rmi cached >out; docker builder prune -f | grep -o 'Total' 
docker builder prune -a -f >out; docker image prune -f >out
docker build -q -t cached - <<<$'FROM box\nRUN cat /proc/sys/kernel/random/uuid >/desk/t' >id; docker run --rm cached cat t >b
cmp -s a b || echo built anew
api POST '/build/prune?all=1' | sed -n '$p'

#: contexts from elsewhere: a git repository, an archive and a Dockerfile on the web
mkdir -p www repo/sub; printf 'FROM box\nRUN echo main >/desk/m\n' >repo/Dockerfile; printf 'FROM box\nCOPY f /desk/f\n' >repo/sub/Dockerfile; echo first >repo/sub/f
g() { git -C repo -c user.name=n -c user.email=n@localhost "$@"; }
g init -q -b master; g add -A; g commit -qm one; g checkout -q -b second; echo second >repo/sub/f; g commit -qam two; g checkout -q master
tar -C repo/sub -cf www/sub.tar .; cp repo/Dockerfile www/Dockerfile
host git daemon --detach --pid-file="$PWD/git.pid" --reuseaddr --export-all --base-path="$PWD" --listen=127.0.0.1 --port=18191 "$PWD/repo"
trap 'kill "$(cat git.pid)"' EXIT
docker run -d --name web -p 127.0.0.1:18192:80 -v "$PWD/www:/www" box httpd -f -h /www >id; until_ok host curl -sf http://127.0.0.1:18192/Dockerfile
from() { api POST "/build?t=elsewhere&remote=$1" >.build; grep -o 'Successfully tagged[^\\]*' .build || echo refused; }
from git://127.0.0.1:18191/repo; docker run --rm elsewhere cat m
from git://127.0.0.1:18191/repo%23second:sub; docker run --rm elsewhere cat f
from git://127.0.0.1:18191/repo%23:sub; docker run --rm elsewhere cat f
from git://127.0.0.1:18191/repo%23missing
from git://127.0.0.1:18191/repo%23master:missing
from http://127.0.0.1:18192/sub.tar; docker run --rm elsewhere cat f
from http://127.0.0.1:18192/Dockerfile; docker run --rm elsewhere cat m
from http://127.0.0.1:18192/missing
from file:///etc/passwd

#: limits and confinement of a build's steps
build() { docker build -q -t limited --no-cache "$@" - <Dockerfile >id; docker run --rm limited cat out; }
cat >Dockerfile <<'D'
FROM box
RUN grep -E '^(Cpus_allowed_list|Mems_allowed_list|NoNewPrivs|Seccomp):' /proc/self/status | tr '\t' ' ' >out
RUN cd /sys/fs/cgroup; if [ -e cpu/cpu.shares ]; then cat cpu/cpu.shares cpu/cpu.cfs_period_us cpu/cpu.cfs_quota_us memory/memory.limit_in_bytes; else cat cpu.weight cpu.max memory.max; fi >>/desk/out
D
build
build --cpu-shares 512 --cpu-period 50000 --cpu-quota 25000 --cpuset-cpus 0 --cpuset-mems 0 --memory 100m --memory-swap 100m
printf 'FROM box\nRUN cut -d / -f 2 /proc/self/cgroup | sort -u | grep -c scenario >out\n' >Dockerfile; build --cgroup-parent /scenario; find /sys/fs/cgroup -depth -type d -name scenario -exec rmdir {} + 2>/dev/null; true
printf 'FROM box\nRUN grep -E "(one|two|three)$" /etc/hosts | tr "\\t" " " >out\n' >Dockerfile; build --add-host one:10.1.2.3 --add-host two=10.1.2.4 --add-host 'three:[fd00::3]' | sort
printf 'FROM box\nRUN grep gate /etc/hosts | wc -l >out\n' >Dockerfile; build --add-host gate:host-gateway
docker build --platform linux/amd64 -q -t own . >id; docker inspect -f '{{.Os}}/{{.Architecture}}' own
try docker build --security-opt no-new-privileges -q . 2>&1 | tail -n 2
try docker build --isolation nope -q . 2>&1 | grep -o -- '-> .*'
