#: a list is filtered by name, with patterns
docker build -q -t mine - <<<$'FROM box\nENV MINE=1' >id
docker tag mine team/app:1.0; docker tag mine team/app:2.0; docker tag mine team/web:1.0; docker tag mine localhost:5000/app:x
list() { docker images --format '{{.Repository}}:{{.Tag}}' "$@" | sort; }
list; echo --; list team/app; echo --; list 'team/*'; echo --; list team/app:2.0
echo --; list --filter reference='team/*:1.0'; echo --; list --filter reference='*/app' --filter reference='team/web'; echo --; list 'localhost:5000/*'
echo --; list 'none*'; echo --; list --filter reference=app

#: dangling images appear when a name moves on
build() { docker build -q -t moving - <<D >id
FROM box
RUN echo $1 >/desk/version
D
}
build one; old=$(cat id); build two
docker images -q -f dangling=true --no-trunc | sed "s/$old/the old one/"
docker images --format '{{.Repository}} {{.Tag}}' -f dangling=false | sort
docker images -f dangling=true --format '{{.Repository}} {{.Tag}}'
docker run --rm "$old" cat /desk/version
docker run --rm moving cat /desk/version
try docker images -f dangling=perhaps

#: labels of images filter the list
for kind in red green; do docker build -q -t "paint-$kind" --label kind=$kind --label paint= - <<<'FROM box' >id; done
list() { docker images --format '{{.Repository}}' "$@" | sort; }
list -f label=paint; echo --; list -f label=kind=red; echo --; list -f label=paint -f label=kind=green; echo --; list -f label=kind=blue; echo --; list -f label=kind

#: before and since an image
build() { docker build -q -t "$1" - <<D >id
FROM $2
ENV STEP=$1
D
}
sleep 1.1; build step1 box; sleep 1.1; build step2 step1; sleep 1.1; build step3 step2
list() { docker images --format '{{.Repository}}' "$@" | sort; }
list -f before=step2; echo --; list -f since=step1; echo --; list -f since=step1 -f before=step3
try docker images -f since=unknown
docker rmi step3 step2 step1 >id

#: no step of a build is an image of its own
docker build -q -t deep - <<D >id
FROM box
ENV A=1
RUN echo x >/desk/x
ENV B=2
D
docker images -q deep | wc -l
docker images -f dangling=true -q | wc -l
docker images --format '{{.Repository}}' | sort
docker image prune -f
docker rmi deep | head -n 1
docker images -a --format '{{.Repository}}'

#: how a list is written
docker build -q -t mine - <<<$'FROM box\nENV MINE=1' >id
docker tag mine shown:v1
docker images shown --format 'table {{.Repository}}\t{{.Tag}}'
docker images shown --format '{{.ID}}' | wc -c
docker images shown --no-trunc --format '{{.ID}}'
docker images shown -q
docker images shown --digests --format '{{.Digest}}|{{.Tag}}|{{.Containers}}'
docker images shown --format '{{json .}}' | jq -c 'keys'
docker images nothing-there
docker images mine --format '{{.Repository}}\t{{.Tag}}'

#: a name with registry and port comes back as it was given
docker build -q -t mine - <<<$'FROM box\nENV MINE=1' >id
for name in short team/short docker.io/library/official docker.io/someone/thing localhost:5000/app:v1 example.org/a/b/c:latest example.org:8443/x:1.2-3_4; do docker tag mine "$name"; done
docker image inspect -f '{{json .RepoTags}}' mine | jq -r '.[]' | sort
docker run --rm docker.io/library/official:latest echo runs
docker run --rm library/official echo runs too
docker image inspect -f ok index.docker.io/library/official
docker create --name named docker.io/someone/thing true >id; docker ps -a --format '{{.Image}}'; docker inspect -f '{{.Config.Image}}' named

#: bad names are refused
docker build -q -t mine - <<<$'FROM box\nENV MINE=1' >id
for name in 'sp ace' a//b mine:-tag 'mine:' :tag "$(printf 'a%.0s' {1..300})" box@sha256:short; do try docker tag mine "$name" 2>&1 | tail -n 1; done
try docker tag missing-image other 2>&1 | tail -n 1
docker images --format '{{.Repository}}:{{.Tag}}' | sort
for repo in UPPER -dash a..b fine/; do api POST "/images/mine/tag?repo=$repo" | tail -n 1; done
api POST '/images/missing/tag?repo=fine' | tail -n 1
api POST '/images/mine/tag?repo=fine&tag=v9' | tail -n 1
docker run --rm fine:v9 echo tagged

#: what an image tells of itself
docker build -q -t told - <<'D' >id
FROM box
LABEL a=b
ENV X=1 Y="two words"
EXPOSE 80 53/udp
VOLUME /data
WORKDIR /srv
USER 5:6
STOPSIGNAL SIGINT
ENTRYPOINT ["echo"]
CMD ["hi"]
MAINTAINER someone
D
docker inspect -f '{{.Os}} {{.Architecture}} {{.Author}} {{.RootFS.Type}} {{len .RootFS.Layers}}' told
docker inspect -f '{{json .Config}}' told | jq -S -c 'with_entries(select(.value != null and .value != "" and .value != false)) | del(.Hostname,.Domainname,.Image,.ArgsEscaped)'
docker image inspect -f '{{.RepoTags}} {{.RepoDigests}}' told
docker inspect --type image -f '{{.Id}}' told
try docker inspect --type container told

#: a history tells the steps
docker build -q -t past - <<'D' >id
FROM box
ENV A=1
RUN echo x >/desk/x
COPY --from=box /bin/sh /desk/y
CMD ["true"]
D
docker history --format '{{.CreatedBy}}' --no-trunc past | head -n 4 | grep -oE 'CMD \["true"\]|COPY|echo x >/desk/x|ENV A=1'
test "$(docker history -q --no-trunc past | head -n 1)" = "$(cat id)" && echo the first has the image\'s id
docker history --format '{{.Size}}' past | sed -n '1p;4p'
docker history --human=false --format '{{.Size}}' past | sed -n '3p'
docker history --format '{{.CreatedBy}}' past | awk 'length($0) > 50' | wc -l
try docker history unknown

#: a name is taken off, and the image goes with its last
docker build -q -t first:v1 - <<D >id
FROM box
RUN echo x >/desk/x
D
docker tag first:v1 second:v1
docker rmi first:v1
docker run --rm second:v1 cat /desk/x
docker rmi second:v1 | sed 's/ .*//' | uniq
try docker run --rm second:v1 2>&1 | tail -n 1
docker images -a --format '{{.Repository}}'

#: by its id goes an image with one name, with several only by force
docker build -q -t many:v1 - <<D >id
FROM box
ENV A=1
D
docker tag many:v1 many:v2; docker tag many:v1 other:v1
try docker rmi "$(cat id)" 2>&1 | tail -n 1
docker images many --format '{{.Tag}}' | sort
docker rmi many:v1 many:v2
docker rmi "$(cat id)"
docker build -q -t many:v1 - <<D >id
FROM box
ENV A=2
D
docker tag many:v1 many:v2; docker tag many:v1 other:v1
docker rmi -f "$(cat id)" | sort -u
docker images -a --format '{{.Repository}}'

#: an image in use stays
docker build -q -t used - <<D >id
FROM box
ENV A=1
D
docker run -d --name busy used sleep 1000 >c
try docker rmi used 2>&1 | tail -n 1
try docker rmi -f "$(cat id)" 2>&1 | tail -n 1
docker stop -t 0 busy
try docker rmi used 2>&1 | tail -n 1
docker tag used second; docker rmi second
try docker rmi -f used
docker start busy; docker exec busy sh -c 'echo $A'
docker ps --format '{{.Image}}'
docker rm -f busy
docker images -q -f dangling=true | wc -l

#: an image with children stays
docker build -q -t parent - <<D >id
FROM box
RUN echo p >/desk/p
D
docker build -q -t child - <<D >id2
FROM parent
RUN echo c >/desk/c
D
docker rmi parent | grep Untagged
docker run --rm child cat /desk/p /desk/c
docker inspect -f '{{len .RootFS.Layers}}' child
docker rmi child | sed 's/:.*//' | uniq
try docker image inspect "$(cat id)" 2>&1 | tail -n 1

#: several are removed at once, and what fails does not stop the rest
docker build -q -t mine - <<<$'FROM box\nENV MINE=1' >id
for n in one two three; do docker tag mine "tag-$n"; done
try docker rmi tag-one tag-missing tag-two
try docker image rm -f tag-missing
try docker rmi --no-prune tag-three
try docker rmi ''  2>&1 | tail -n 1
docker images --format '{{.Repository}}' | sort
api DELETE /images/tag-missing
docker tag mine one-more; api DELETE /images/one-more

#: a prune takes what has no name
build() { docker build -q -t "$1" - <<D >id
FROM box
RUN echo $2 >/desk/version
D
}
build loose one; build loose two; build kept three
docker image prune -f | sed -E 's/^(deleted: |Total reclaimed space: ).*/\1.../' | uniq
docker images --format '{{.Repository}}' | sort
docker image prune -f
docker run -d --name user kept sleep 1000 >id
docker run --name old -d box sleep 1000 >id
docker image prune -a -f | grep -E '^untagged'
docker images --format '{{.Repository}}' | sort

#: a prune looks at labels and age
docker build -q -t keep-me --label keep=yes - <<<'FROM box' >id
docker build -q -t drop-me --label keep=no - <<<'FROM box' >id
docker run -d --name user box sleep 1000 >id
docker image prune -a -f --filter until=24h
docker image prune -a -f --filter label=keep=no | grep -E '^untagged' | sort
docker image prune -a -f --filter label!=keep | grep -E '^untagged' | sort
docker images --format '{{.Repository}}' | sort
docker image prune -a -f --filter label!=other | grep -E '^untagged' | sort
try docker image prune -f --filter nonsense=1 2>&1 | grep -o -- '-> .*'

#: an archive brings an image back
docker build -q -t saved:v1 - <<D >id
FROM box
RUN echo content >/desk/x && mkdir /desk/d && chown 3:4 /desk/d && ln -s x /desk/l
ENV KEPT=yes
CMD ["cat", "/desk/l"]
D
docker save -o image.tar saved:v1
docker rmi saved:v1 >id2
docker load -i image.tar
docker run --rm saved:v1
docker run --rm saved:v1 sh -c 'echo $KEPT; stat -c %u:%g /desk/d'
test "$(docker image inspect -f '{{.Id}}' saved:v1)" = "$(cat id)" && echo the same id
docker load -q <image.tar

#: several images share an archive
docker build -q -t pack:a - <<D >id
FROM box
RUN echo a >/desk/x
D
docker build -q -t pack:b - <<D >id
FROM pack:a
RUN echo b >>/desk/x
D
docker tag pack:b extra:b
docker save pack:a pack:b extra:b >all.tar
tar xOf all.tar manifest.json | jq -c '[.[].RepoTags[]] | sort'
tar xOf all.tar manifest.json | jq -c '[.[] | .Layers | length]  | sort | (.[1] - .[0])'
docker rmi pack:a pack:b extra:b >id
docker load -i all.tar | sort
docker run --rm pack:a cat /desk/x; docker run --rm extra:b cat /desk/x
docker rmi pack:a pack:b extra:b >id
try docker save -o twice.tar pack:a 2>&1 | tail -n 1; test -e twice.tar || echo nothing written

#: an image saved by its id comes back without a name
docker build -q -t by-id - <<D >id
FROM box
RUN echo by-id >/desk/x
D
docker save "$(cat id)" | gzip >image.tar.gz
tar xzOf image.tar.gz manifest.json | jq -c '.[].RepoTags'
docker rmi by-id >id2
docker load -i image.tar.gz
docker run --rm "$(cat id)" cat /desk/x
docker run --rm "$(cut -c 8-20 id)" echo short
docker images --format '{{.Repository}}:{{.Tag}}' | sort

#: loading moves a name, and the old image loses it
make() { docker build -q -t versioned - <<D
FROM box
RUN echo $1 >/desk/x
D
}
first=$(make one); docker save versioned -o one.tar
second=$(make two)
docker run --rm versioned cat /desk/x
docker load -i one.tar | tail -n 1
docker run --rm versioned cat /desk/x
docker run --rm "$second" cat /desk/x
docker images --format '{{.Repository}}' | sort

#: no archive is loaded from rubbish
echo rubbish >rubbish; try docker load -i rubbish 2>&1 | grep -o -- '-> .*'
mkdir e; tar cf empty.tar -C e .; try docker load -i empty.tar 2>&1 | grep -o -- '-> .*'
try docker load -i missing.tar 2>&1 | grep -o -- '-> .*'
docker images --format '{{.Repository}}'

#: a file system is imported as an image
mkdir -p root/bin root/etc; docker run --name src box true; docker cp src:/bin/busybox root/bin/sh; echo hello >root/etc/motd; chown 9:9 root/etc/motd
tar cf root.tar -C root .
docker import root.tar bare:v1 >id
docker run --rm bare:v1 /bin/sh -c 'read line </etc/motd; echo $line; pwd'
cat root.tar | docker import -c 'ENTRYPOINT ["/bin/sh","-c"]' -c 'CMD ["echo $GREETING"]' -c 'ENV GREETING=hi' -c 'WORKDIR /etc' -m 'from a tar' - bare:v2 >id
docker run --rm bare:v2
docker run --rm bare:v2 pwd
docker inspect -f '{{.Comment}} {{len .RootFS.Layers}} {{.Os}} {{.Parent}}' bare:v2
gzip root.tar; docker import root.tar.gz >id; docker run --rm "$(cat id)" /bin/sh -c 'echo from gzip'
try docker run --rm bare:v1 2>&1 | grep -oE 'no command specified|-> .*'
try docker import -c 'FROM box' root.tar.gz 2>&1 | grep -o -- '-> .*'

#: commits pile up
docker run --name c0 box sh -c 'echo 0 >>/desk/log'
docker commit c0 chain:0 >id
for n in 1 2 3; do docker run --name "c$n" "chain:$((n-1))" sh -c "echo $n >>/desk/log; rm -f /desk/only-$((n-1)); touch /desk/only-$n"; docker commit "c$n" "chain:$n" >id; done
docker run --rm chain:3 sh -c 'cat log; ls'
docker run --rm chain:1 sh -c 'cat log; ls'
docker history -q chain:3 | head -n 4 | wc -l
docker inspect -f '{{.Config.Cmd}}' chain:3
docker rm c0 c1 c2 c3 >id; docker rmi chain:3 chain:2 chain:1 chain:0 >id

#: the API's list and inspect have the fields that clients read
docker build -q -t mine - <<<$'FROM box\nENV MINE=1' >id
docker tag mine fields:v1
api GET '/images/json' | head -n 1 | jq -c '.[0] | [.Containers, .Created, .Id, .ParentId, .RepoDigests, .RepoTags, .SharedSize, .Size] | map(type)'
api GET '/images/json' | head -n 1 | jq -c '.[] | select(.RepoTags | index("mine:latest")) | [(.RepoTags | sort), .SharedSize, .Labels // {}, (.Size > 1000000), (.Created > 1000000000)]'
api GET '/images/fields:v1/json' | head -n 1 | jq -c '[.Os, .Architecture, (.RepoTags | sort), .RootFS.Type, (.Size > 1000000), (.Created | test("^20.*Z$"))]'
api GET '/images/fields:v1/history' | head -n 1 | jq -c '.[0] | [keys, (.Tags | sort)]'
api GET '/images/unknown/json'
api GET '/images/unknown/history'
api GET '/images/json?filters=nonsense' | tail -n 1
api GET '/images/json?filters=%7B%22nonsense%22%3A%5B%22x%22%5D%7D' | tail -n 1

#: a registry is searched
mkdir -p www/v1; echo true >www/v1/_ping
echo '{"num_results":2,"query":"tool","results":[{"name":"team/tool","description":"does it","star_count":7,"is_official":false},{"name":"tool","description":"the one","star_count":90,"is_official":true}]}' >www/v1/search
docker run -d --name index -p 127.0.0.1:18121:80 -v "$PWD/www:/www" box httpd -f -h /www >id; until_ok host curl -sf http://127.0.0.1:18121/v1/_ping
docker search --format '{{.Name}}|{{.Description}}|{{.StarCount}}|{{.IsOfficial}}' 127.0.0.1:18121/tool
docker search --filter stars=50 --format '{{.Name}}' 127.0.0.1:18121/tool
docker search --filter is-official=false --format '{{.Name}}' 127.0.0.1:18121/tool
docker search --limit 1 --no-trunc --format '{{.Name}}' 127.0.0.1:18121/tool | wc -l
try docker search --limit 101 127.0.0.1:18121/tool 2>&1 | tail -n 2
docker rm -f index >out; try docker search 127.0.0.1:18121/tool 2>&1 | grep -o -- '-> .*'

#: an image of another platform is not what was asked for
try docker save --platform linux/arm64 -o out.tar box 2>&1; docker save --platform linux/amd64 -o box.tar box && tar -tf box.tar | grep -c manifest.json
try docker history --platform linux/arm64 box 2>&1 | grep -oE 'was found.*|-> .*'; docker history --platform linux/amd64 -q box | wc -l
