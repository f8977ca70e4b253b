#: a named volume outlives its containers
docker volume create data
docker run --rm -v data:/data box sh -c 'echo one >/data/a'
docker run --rm -v data:/elsewhere box sh -c 'cat /elsewhere/a; echo two >>/elsewhere/a'
docker run --rm --mount type=volume,source=data,target=/data box cat /data/a
docker volume rm data
docker run --rm -v data:/data box ls /data
docker volume ls -q
docker volume create data

#: a fresh volume takes the image's files with owners and modes
docker build -q -t filled - <<'D' >id
FROM box
RUN mkdir -p /data/sub && echo text >/data/sub/file && ln -s sub/file /data/link && chown -R 11:22 /data && chmod 2750 /data && chmod 604 /data/sub/file
VOLUME /data
D
look='cd /data; stat -c "%n %u:%g %a" . sub sub/file; readlink link; cat link'
docker run --rm -v data:/data filled sh -c "$look"
docker run --rm filled sh -c "$look; echo changed >/data/sub/file"
docker run --rm -v data:/data filled sh -c 'echo changed >/data/sub/file'
docker run --rm -v data:/data filled cat /data/link
docker run --rm -v data:/seen box sh -c 'ls /seen; stat -c %u:%g /seen'

#: a volume with files hides the image's, and nocopy takes none
docker build -q -t filled - <<'D' >id
FROM box
RUN mkdir /data && echo image >/data/file && chown 5:6 /data
D
docker run --rm -v used:/x box touch /x/mine
docker run --rm -v used:/data filled ls /data
docker run --rm -v bare:/data:nocopy filled sh -c 'ls /data; stat -c %u:%g /data'
docker run --rm --mount type=volume,src=other,dst=/data,volume-nocopy filled ls /data
docker run --rm -v bare:/data filled ls /data
docker run --rm --mount type=tmpfs,dst=/data filled ls -A /data

#: read-only volumes and binds take no writes
mkdir dir; echo host >dir/file
docker run --rm -v data:/data box sh -c 'echo here >/data/file'
docker run --rm -v data:/data:ro -v "$PWD/dir:/dir:ro" --mount type=bind,src="$PWD/dir",dst=/dir2,readonly --mount type=volume,src=data,dst=/data2,ro=true box sh -c '
  cat /data/file /dir/file; for f in /data/x /dir/x /dir2/x /data2/x; do echo x 2>/dev/null >$f || echo no $f; done'
docker run --rm -v data:/data:rw -v "$PWD/dir:/dir:rw,z" box sh -c 'echo x >/data/x; echo y >/dir/y'
ls dir
try docker run --rm -v data:/data:nonsense box true 2>&1 | tail -n 1
try docker run --rm -v data:/data:ro,rw box true 2>&1 | tail -n 1

#: mounts nest in each other whatever their order
mkdir -p host/deep; echo host >host/file
docker run --rm -v inner:/x box sh -c 'echo inner >/x/file'
docker run --rm -v inner:/top/deep -v "$PWD/host:/top" --tmpfs /top/deep/tmp box sh -c 'cat /top/file /top/deep/file; echo t >/top/deep/tmp/t; grep -c " /top" /proc/mounts'
ls host host/deep
docker run --rm -v inner:/x box ls /x
docker run --rm -v "$PWD/host/file:/top/deep/one" -v inner:/top/deep box sh -c 'cat /top/deep/one; ls /top/deep'

#: a bind shows the same files on both sides
mkdir dir
docker run -d --name bound -v "$PWD/dir:/dir" box sh -c 'while [ ! -e /dir/go ]; do sleep 0.05; done; echo seen >/dir/answer; chown 42:43 /dir/answer; sleep 1000' >id
touch dir/go
until_ok test -s dir/answer; until_ok docker exec bound sh -c 'stat -c %u:%g /dir/answer | grep 42:43'
cat dir/answer; stat -c %u:%g dir/answer
rm -r dir/go; docker exec bound ls /dir
docker inspect -f '{{range .Mounts}}{{.Type}} {{.Source}} {{.Destination}} {{.Mode}} {{.RW}} {{.Propagation}}{{end}}' bound
docker inspect -f '{{.HostConfig.Binds}}' bound

#: a single file is bound
echo first >conf
docker run -d --name file -v "$PWD/conf:/etc/app/conf:ro" box sleep 1000 >id
docker exec file sh -c 'cat /etc/app/conf; stat -c %F /etc/app/conf'
echo second >conf
docker exec file cat /etc/app/conf
try docker exec file sh -c 'echo x 2>/dev/null >/etc/app/conf'
echo other >other; mv other conf
docker exec file cat /etc/app/conf
docker restart -t 0 file; docker exec file cat /etc/app/conf
docker run --rm -v "$PWD/conf:/bin/greeting" box cat /bin/greeting
try docker run --rm -v "$PWD/conf:/bin" box true 2>&1 | grep -o -- '-> .*'

#: a missing source is made by -v and refused by --mount
docker run --rm -v "$PWD/made/deep:/dir" box sh -c 'stat -c %F /dir; touch /dir/x'
ls made/deep; stat -c '%u:%g %a' made/deep
try docker run --rm --mount "type=bind,src=$PWD/not-made,dst=/dir" box true 2>&1 | grep -oE 'bind source path does not exist|-> .*'
test -e not-made || echo not made
docker run --rm --mount "type=bind,src=$PWD/not-made,dst=/dir,bind-create-src" box true 2>&1 | grep -oE 'unexpected key|unknown' ; test -e not-made || echo not made
docker create --name later -v "$PWD/later:/dir" box ls /dir >id; rm -rf later; docker start -a later; stat -c %F later

#: bad mounts are refused
for spec in ':/x' 'data:' 'data:relative' '/tmp:/' 'da ta:/x' 'a/b:/x' '/tmp:/x:/y:/z'; do echo "-v $spec"; try docker create -v "$spec" box true 2>&1 | tail -n 1; done
for spec in type=nonsense,dst=/x type=bind,dst=/x type=bind,src=relative/path,dst=/x type=volume,src=data dst=/ type=tmpfs,src=x,dst=/x type=tmpfs,dst=/x,tmpfs-size=many type=bind,src=/tmp,dst=/x,volume-nocopy type=volume,dst=/x,bind-propagation=shared; do echo "--mount $spec"; try docker create --mount "$spec" box true 2>&1 | tail -n 1; done
try docker create -v other:/same -v other:/same box true 2>&1 | tail -n 1
try docker create -v /bad box true 2>&1 | tail -n 1 | grep -o -- '-> .*'
docker ps -a --format '{{.Mounts}}' | grep -v / | sed -E 's/^[0-9a-f]+…$/anonymous/'

#: mounts as the inspection tells them
mkdir dir
docker create --name all -v "$PWD/dir:/b1" --mount "type=bind,src=$PWD/dir,dst=/b2,readonly,bind-propagation=rshared" -v data:/v1 --mount type=volume,src=data,dst=/v2,ro --mount type=tmpfs,dst=/t1,tmpfs-size=1m,tmpfs-mode=700 --tmpfs /t2:size=2m -v /anon box true >id
docker inspect -f '{{json .Mounts}}' all | jq -c 'sort_by(.Destination)[] | [.Type, .Name, .Destination, .Driver, .Mode, .RW, .Propagation]'
docker inspect -f '{{json .HostConfig.Mounts}}' all | jq -S -c '.[]'
docker inspect -f '{{json .HostConfig.Tmpfs}} {{json .Config.Volumes}}' all
docker inspect -f '{{json .HostConfig.Binds}}' all | jq -c sort
docker ps -a --format '{{.LocalVolumes}}'
docker ps -a --filter volume=data --format '{{.Names}}'; docker ps -a --filter volume=/t2 -q; docker ps -a --filter volume=/b1 --format '{{.Names}}'

#: tmpfs has its size and mode and forgets
docker run -d --name mem --tmpfs /small:size=64k,mode=1770,uid=7 --mount type=tmpfs,dst=/other,tmpfs-size=1048576,tmpfs-mode=0700 --tmpfs /plain box sleep 1000 >id
docker exec mem sh -c 'for d in /small /other /plain; do stat -c "%n %u:%g %a" $d; grep " $d " /proc/mounts | grep -oE "noexec|nosuid|nodev|size=[0-9a-z]*" | tr "\n" " "; echo; done'
docker exec mem sh -c 'dd if=/dev/zero of=/small/x bs=1k count=100 2>&1 | grep -o "No space.*"; ls /small; echo kept >/plain/x'
docker restart -t 0 mem
docker exec mem ls /small /plain
docker run --rm --tmpfs /run:exec,size=1m box sh -c 'cp /bin/busybox /run/echo 2>/dev/null; grep " /run " /proc/mounts | grep -c noexec'

#: a part of a volume is mounted
docker run --rm -v data:/data box sh -c 'mkdir -p /data/a/b /data/c; echo b >/data/a/b/file; echo top >/data/top; ln -s ../../../../etc /data/out'
docker run --rm --mount type=volume,src=data,dst=/here,volume-subpath=a/b box sh -c 'cat /here/file; echo new >/here/new; ls -A /here/..  | grep -c top'
docker run --rm --mount type=volume,src=data,dst=/here,volume-subpath=top box cat /here
docker run --rm --mount type=volume,src=data,dst=/here,volume-subpath=c,readonly box sh -c 'echo x 2>/dev/null >/here/x || echo no'
docker run --rm -v data:/data box sh -c 'cat /data/a/b/new'
for path in missing ../up /abs out; do try docker run --rm --mount "type=volume,src=data,dst=/here,volume-subpath=$path" box true 2>&1 | grep -o -- '-> .*'; done

#: binds take what is mounted below them, or do not
mkdir -p tree/below other; echo below >other/file; mount --bind other tree/below
docker run --rm -v "$PWD/tree:/tree" box sh -c 'cat /tree/below/file'
docker run --rm --mount "type=bind,src=$PWD/tree,dst=/tree,bind-recursive=disabled" box ls -A /tree/below
docker run --rm -v "$PWD/tree:/tree:ro" box sh -c 'echo x 2>/dev/null >/tree/below/x || echo read-only below'
docker run --rm --mount "type=bind,src=$PWD/tree,dst=/tree,readonly,bind-recursive=writable" box sh -c 'echo x 2>/dev/null >/tree/below/x && echo writable below'
docker run --rm --mount "type=bind,src=$PWD/tree,dst=/tree,readonly,bind-recursive=readonly,bind-propagation=rprivate" box sh -c 'echo x 2>/dev/null >/tree/below/y || echo read-only below'
ls other
umount tree/below

#: what is mounted later comes through when the bind is a slave
mkdir outer; mount -t tmpfs tmpfs outer; mount --make-shared outer; mkdir outer/slave outer/private src; echo later >src/file
docker run -d --name slave -v "$PWD/outer:/outer:rslave" box sleep 1000 >id
docker run -d --name private -v "$PWD/outer:/outer" box sleep 1000 >id
mount --bind src outer/slave
docker exec slave cat /outer/slave/file
docker exec private ls -A /outer/slave
docker inspect -f '{{range .Mounts}}{{.Mode}}|{{.Propagation}}{{end}}' slave private
umount outer/slave; docker exec slave ls -A /outer/slave
docker rm -f slave private; umount outer
try docker run --rm -v "$PWD/src:/x:sideways" box true 2>&1 | grep -o -- '-> .*'

#: an image's files are mounted
docker build -q -t assets - <<'D' >id
FROM box
RUN mkdir -p /www/css && echo '<h1>' >/www/index.html && echo a >/www/css/a
D
docker run --rm --mount type=image,src=assets,dst=/assets box sh -c 'cat /assets/www/index.html; ls /assets/www; echo x 2>/dev/null >/assets/x || echo read-only' 2>warning
docker run --rm --mount type=image,src=assets,dst=/css,image-subpath=www/css box ls /css 2>warning
docker create --name imaged --mount type=image,src=assets,dst=/assets box true >id 2>warning
docker inspect -f '{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}}{{end}}' imaged
try docker run --rm --mount type=image,src=assets,dst=/css,image-subpath=missing box true 2>&1 | grep -o -- '-> 12.*'

#: volumes are listed by name, label, driver and use
docker volume create --label tier=db db-data >id
docker volume create --label tier=web web-data >id
docker volume create plain >id
docker create --name user -v db-data:/x -v /anon box true >id
list() { docker volume ls -q "$@" | sort; }
list -f label=tier; echo --; list -f label=tier=web; echo --; list -f name=data; echo --; list -f name=web -f label=tier=db; echo --; list -f driver=local | grep -v '.\{64\}'; echo --; list -f driver=other; echo --
list -f dangling=true; echo --; list -f dangling=false | sed -E 's/.{64}/anonymous/' | sort
docker volume ls --format '{{.Name}} {{.Driver}} {{.Scope}} {{.Labels}}' -f name=db-data
docker volume ls -f name=plain
try docker volume ls -f nonsense=1 2>&1 | grep -o -- '-> .*'

#: a volume's inspection
docker volume create --label a=b --label empty -d local told
docker volume inspect told | jq -c '.[0] | [.Driver, .Labels, .Name, .Options, .Scope, (.CreatedAt | test("^20"))]'
docker volume inspect -f '{{.Name}} {{.Driver}} {{.Mountpoint}}' told | sed -E 's| /.*/volumes/| .../volumes/|'
docker run --rm -v told:/x box sh -c 'echo text >/x/file'
cat "$(docker volume inspect -f '{{.Mountpoint}}' told)/file"
try docker volume inspect told unknown 2>&1 | grep -vE '^[][{} ]'
docker inspect -f '{{.Name}}' told
docker run -d --name fresh -v implicit:/y box sleep 1000 >id; docker volume inspect -f '{{json .Labels}} {{json .Options}}' implicit
docker volume create told
api GET /volumes/unknown

#: names of volumes
docker volume create ok_name.with-all0
for name in -dash a 'sp ace' a/b .dot ünicode; do try docker volume create -- "$name" 2>&1 | tail -n 1; done
docker volume create | wc -c
docker volume ls -q | grep -cE '^[0-9a-f]{64}$'
docker volume create --label com.docker.volume.anonymous= looks-anonymous
docker volume prune -f | grep -vE 'reclaimed|^$' | sed -E 's|^[0-9a-f]{64}$|anonymous|' | sort
api POST /volumes/create -H 'Content-Type: application/json' -d '{"Name":"by-api","Labels":{"x":"y"}}' | sed -n '$p'
docker volume ls -q | sort

#: a volume backed by a folder of the host
mkdir real; echo before >real/file
docker volume create -o type=none -o o=bind -o device="$PWD/real" folder
docker run --rm -v folder:/x box sh -c 'cat /x/file; echo after >/x/new'
cat real/new
docker volume inspect -f '{{json .Options}}' folder
docker run --rm --mount "type=volume,dst=/y,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=$PWD/real" box ls /y
docker volume rm folder; ls real
docker volume create -o type=none -o o=bind -o device="$PWD/missing" broken
docker run --rm -v broken:/x box true >out 2>&1 || echo refused
try docker volume create -o nonsense=1 wrong 2>&1 | grep -o -- '-> .*'

#: a volume in memory
docker volume create -o type=tmpfs -o device=tmpfs -o o=size=1m,uid=99,mode=750 memory
docker run -d --name holder -v memory:/m box sleep 1000 >id
docker exec holder sh -c 'stat -c "%u %a" /m; grep " /m " /proc/mounts | grep -o "^tmpfs\|size=[0-9a-z]*"; echo shared >/m/file'
docker run --rm -v memory:/n box cat /n/file
docker rm -f holder
docker run --rm -v memory:/n box ls -A /n

#: a volume in use stays
docker run -d --name user -v data:/x box sleep 1000 >id
try docker volume rm data 2>&1 | grep -o -- '-> .*'
docker stop -t 0 user
try docker volume rm data 2>&1 | grep -o -- '-> .*'
try docker volume rm -f data 2>&1 | grep -o -- '-> .*'
api DELETE /volumes/data | tail -n 1
docker rm user
docker volume rm data
try docker volume rm data 2>&1 | tail -n 1
docker volume rm -f data
docker volume create one >id; docker volume create two >id
try docker volume rm one missing two 2>&1 | grep -v Error

#: prune takes the anonymous, all, or those that a filter names
docker volume create named >id; docker volume create --label keep=yes kept >id; docker volume create used >id
docker create --name user -v used:/x -v /anon box true >id
docker run --name gone -v /anon box true; docker rm gone
docker volume ls -q | wc -l
docker volume prune -f | sed -E 's/^.{64}$/<anonymous>/'
docker volume ls -q | grep -v '.\{64\}' | sort
docker volume prune -a -f --filter label!=keep | head -n 2
docker volume prune -a -f --filter label=keep=yes | head -n 2
docker volume prune -a -f
docker volume ls -q | wc -l
try docker volume prune -f --filter until=1h 2>&1 | grep -o -- '-> .*'

#: anonymous volumes go with rm -v and --rm, named ones never
docker build -q -t declared - <<<$'FROM box\nVOLUME ["/v1", "/v2"]' >id
docker run --name plain -v named:/v1 declared true
docker volume ls -q | sed -E 's/.{64}/anonymous/' | sort
docker rm plain; docker volume ls -q | wc -l
docker run --name with -v named:/v1 -v /v3 declared true; docker volume ls -q | wc -l
docker rm -v with; docker volume ls -q | sed -E 's/.{64}/anonymous/' | sort
docker run --rm -v named:/v1 -v /v3 declared true; until_ok sh -c 'test $(docker volume ls -q | wc -l) = 2'
docker volume ls -q | wc -l

#: another container's volumes are taken over
mkdir dir; echo bound >dir/file
docker create --name source -v data:/data -v "$PWD/dir:/dir" -v /anon --tmpfs /mem box true >id
docker run --rm --volumes-from source box sh -c 'echo 1 >/data/x; echo 2 >/anon/y; ls /dir; test -d /mem || echo no /mem'
docker run --rm --volumes-from source:ro -v other:/data box sh -c 'cat /anon/y; ls /data; echo z 2>/dev/null >/anon/z || echo read-only'
docker create --name second --volumes-from source box true >id
docker inspect -f '{{range .Mounts}}{{.Destination}} {{end}}' second | tr ' ' '\n' | sort | xargs
docker rm -v source; docker run --rm --volumes-from second box cat /anon/y
docker inspect -f '{{.HostConfig.VolumesFrom}}' second
try docker run --rm --volumes-from missing box true 2>&1 | grep -o -- '-> .*'

#: an anonymous volume keeps its files over restarts
docker run -d --name counter -v /count box sh -c 'echo x >>/count/n; wc -l </count/n; sleep 1000' >id
docker restart -t 0 counter; docker restart -t 0 counter
until_ok sh -c 'test "$(docker logs counter | tail -n 1)" = 3'
docker logs counter
docker inspect -f '{{range .Mounts}}{{len .Name}} {{.Driver}} {{.RW}}{{end}}' counter
docker run --rm -v "$(docker inspect -f '{{range .Mounts}}{{.Name}}{{end}}' counter):/other" box wc -l /other/n
