#: a folder copied in keeps owners, modes, times and links
mkdir src; echo hello >src/a; ln -s a src/link; chown 7:8 src/a; chmod 4755 src/a; touch -d 2001-02-03T04:05:06Z src/a
docker run -d --name into box sleep 1000 >folder.id
docker cp -a src into:/desk
docker exec into sh -c 'cd /desk/src; stat -c "%n %u:%g %a %Y" a; readlink link'

#: a folder's content goes beside what is there
mkdir src; echo new >src/a
docker run -d --name into box sh -c 'echo old >/desk/a; echo kept >/desk/b; sleep 1000' >folder.id
until_ok docker exec into test -e /desk/b
docker cp src/. into:/desk
docker exec into sh -c 'cat /desk/a /desk/b; ls /desk'

#: copied out as it is, and links only with -L
docker run --name from box sh -c 'mkdir d; echo text >d/a; ln -s a d/l; ln -s /desk/d/a d/abs'
docker cp from:/desk/d out; ls out; cat out/a; readlink out/l out/abs
docker cp from:/desk/d/l link; readlink link
docker cp -L from:/desk/d/l file; test ! -L file && cat file
docker cp from:/desk/d/. content; ls content

#: a stopped container's volume is copied into and out of
docker run --name stopped -v data:/data box sh -c 'echo first >/data/a'
echo second >b
docker cp b stopped:/data/b
docker run --rm -v data:/data box sh -c 'cat /data/a /data/b'
docker cp stopped:/data - | tar tf - | sort

#: what was never started has its files and mounts too
docker create --name fresh -v data:/data box true >id
echo there >x
docker cp x fresh:/data/x
docker cp x fresh:/desk/x
docker start -a fresh
docker cp fresh:/data/x - | tar xOf -
docker diff fresh | sort

#: links lead nowhere outside
docker run --name trap box sh -c 'ln -s /../../../../../../etc/hostname /desk/up; ln -s ../../../../../../../etc /desk/dir'
docker cp -L trap:/desk/up out 2>&1 | sed 's/trap.*//'
echo intruder >passwd
try docker cp passwd trap:/desk/dir
test "$(cat /etc/passwd)" != intruder && echo outside is as it was
docker cp trap:/etc/passwd - | tar xOf -

#: read-only roots and volumes take nothing
docker run -d --name readonly --read-only -v data:/data:ro -v more:/more box sleep 1000 >id
echo x >x
try docker cp x readonly:/desk/x
try docker cp x readonly:/data/x
try docker cp x readonly:/more/x
docker exec readonly cat /more/x

#: a missing path, a missing container, a folder over a file
docker run --name c1 box touch /desk/file
mkdir folder; echo x >x
try docker cp c1:/nowhere out
try docker cp x c1:/no/where/x
try docker cp gone:/x out
head_of "/containers/c1/archive?path=/nowhere"
api GET "/containers/c1/archive?path="
api PUT "/containers/c1/archive?path=/desk/file" -H 'Content-Type: application/x-tar' --data-binary @x

#: the header of a path tells what it is
docker run --name facts box sh -c 'echo 12345 >f; chmod 640 f; mkdir -m 1777 d; ln -s /desk/d/../f l; mkfifo p'
for path in /desk/f /desk/d /desk/l /desk/p /desk/d/. /desk/d/ /; do
  head_of "/containers/facts/archive?path=$path"
  sed -n 's/^X-Docker-Container-Path-Stat: //Ip' headers | base64 -d | sed -E 's/,"mtime":"[^"]*"//; s/"size":4096/"size":0/'
  echo
done

#: an archive is streamed in and out
docker run -d --name stream box sleep 1000 >id
mkdir -p t/deep; echo one >t/deep/one; tar cf - t | docker cp - stream:/desk
docker exec stream cat /desk/t/deep/one
docker cp stream:/desk/t - | tar tf - | sort
tar czf - t | docker cp - stream:/tmp 2>&1 | sed 's/stream.*//'

#: the user's own files with -a, root's without
docker build -q -t owner - <<D >id
FROM box
RUN mkdir -p /etc && echo 'u:x:1234:2345::/desk:/bin/sh' >/etc/passwd && chown 1234:2345 /desk
USER u
D
docker run -d --name owned owner sleep 1000 >id
echo x >x; chown 55:66 x
docker cp x owned:/desk/plain
docker cp -a x owned:/desk/archive
docker exec owned stat -c '%n %u:%g' /desk/plain /desk/archive

#: diff tells what was added, changed and deleted
docker build -q -t layered - <<D >id
FROM box
RUN mkdir /d && echo a >/d/kept && echo b >/d/changed && echo c >/d/gone
D
docker run --name differs layered sh -c 'echo BBB >/d/changed; rm /d/gone; mkdir -p /new/deep; echo n >/new/deep/file; chmod 700 /desk'
docker diff differs | sort

#: an export has the container's files and no volume's
docker run --name exported -v data:/data box sh -c 'echo own >/desk/own; echo shared >/data/shared'
docker export exported -o all.tar
tar tf all.tar | grep -E '^(desk|data|bin/sh$)' | sort
docker export exported | docker import --change 'CMD ["cat","/desk/own"]' --change 'ENV A=b' --message why - again:v1 >id
docker run --rm again:v1 cat /desk/own
docker inspect -f '{{.Config.Cmd}} {{.Config.Env}} {{.Comment}}' again:v1

#: a commit is an image of the container's files and its configuration
docker run --name worked -e KEPT=yes -w /tmp2 box sh -c 'echo state >/desk/state; rm /bin/vi'
docker commit -a 'A U Thor' -m 'the state' -c 'CMD ["cat","/desk/state"]' -c 'LABEL a=b c="d e"' -c 'EXPOSE 80' -c 'USER 12' worked done:v1 >id
docker run --rm done:v1
docker run --rm done:v1 sh -c 'echo $KEPT; pwd; id -u; test -e /bin/vi || echo no vi'
docker inspect -f '{{.Author}}|{{.Comment}}|{{json .Config.Labels}}|{{json .Config.ExposedPorts}}|{{.Config.WorkingDir}}' done:v1
try docker commit -c 'RUN true' worked
try docker commit nothing

#: a running container is paused for its commit and goes on
docker run -d --name busy box sh -c 'while :; do echo $((i=i+1)) >/desk/n; done' >id
docker commit busy snap:v1 >id
docker inspect -f '{{.State.Status}}' busy
before=$(docker exec busy cat /desk/n); until_ok docker exec busy sh -c "test \$(cat /desk/n || echo 0) -gt $before"
docker run --rm snap:v1 sh -c 'test -e /desk/n && echo there'
