#: a user's network resolves names, the default bridge does not
docker network create --subnet 172.31.240.0/24 net1 >id
docker run -d --name server --network net1 box sh -c 'mkdir /www; echo hello >/www/x; exec httpd -f -h /www' >id
docker run --rm --network net1 box sh -c 'for i in $(seq 50); do wget -qO- http://server/x 2>/dev/null && break; sleep 0.1; done'
docker run --rm --network net1 box sh -c 'grep nameserver /etc/resolv.conf; nslookup server 127.0.0.11 | grep -c 172.31.240'
docker run -d --name lone box sleep 1000 >id
docker run --rm box sh -c 'grep -c lone /etc/hosts; grep -c 127.0.0.11 /etc/resolv.conf'
docker run --rm --network net1 --dns 127.0.0.1 box sh -c 'nslookup lone 127.0.0.11 >/dev/null 2>&1 || echo no lone'
short=$(docker inspect -f '{{slice .Id 0 12}}' server); docker run --rm --network net1 box wget -qO- "http://$short/x"

#: aliases are names that several containers share
docker network create net1 >id
for n in one two; do docker run -d --name "$n" --network net1 --network-alias shared --network-alias "only-$n" box sh -c "mkdir /www; echo $n >/www/x; exec httpd -f -h /www" >id; done
ask() { docker run --rm --network net1 box sh -c "$1"; }
ask 'for i in $(seq 50); do wget -qO- http://only-one/x 2>/dev/null && break; sleep 0.1; done; for i in $(seq 50); do wget -qO- http://only-two/x 2>/dev/null && break; sleep 0.1; done'
ask 'nslookup shared 127.0.0.11 | grep -c "^Address.*: [0-9.]*$"; nslookup shared 127.0.0.11 | sed 1,3d | grep -c Address' | tail -n 1
docker inspect -f '{{range .NetworkSettings.Networks}}{{json .Aliases}} {{json .DNSNames}}{{end}}' one | sed -E 's/"[0-9a-f]{12}"/"<id>"/'
docker stop -t 0 one; docker run --rm --network net1 box wget -qO- http://shared/x
docker run --rm --network net1 --dns 127.0.0.1 box sh -c 'nslookup only-one 127.0.0.11 >/dev/null 2>&1 || echo gone'
docker run -d --name named --hostname its-host --network net1 box sleep 1000 >id; ask 'nslookup its-host 127.0.0.11 >/dev/null && echo found by its own name'
docker run --rm --network net1 --network-alias me box sh -c 'nslookup me 127.0.0.11 >/dev/null && echo found myself'

#: networks are apart
docker network create net1 >id; docker network create net2 >id
docker run -d --name server --network net1 box sh -c 'echo hello >x; exec httpd -f' >id
ip=$(docker inspect -f '{{.NetworkSettings.Networks.net1.IPAddress}}' server)
docker run --rm --network net1 -e ip="$ip" box sh -c 'for i in $(seq 50); do timeout 2 wget -qO- http://$ip/x 2>/dev/null && break; sleep 0.1; done'
docker run --rm --network net2 -e ip="$ip" box sh -c 'timeout 1 wget -qO- http://$ip/x 2>/dev/null || echo not from net2; timeout 1 wget -qO- http://server/x 2>/dev/null || echo no such name'
docker run --rm -e ip="$ip" box sh -c 'timeout 1 wget -qO- http://$ip/x 2>/dev/null || echo not from the default bridge'
docker network connect net2 server
docker run --rm --network net2 box wget -qO- http://server/x

#: an internal network has no way out
docker network create --internal --subnet 172.31.241.0/24 inner
docker run -d --name server --network inner box sh -c 'echo hello >x; exec httpd -f' >id
docker run --rm --network inner box sh -c 'for i in $(seq 50); do timeout 1 wget -qO- http://server/x 2>/dev/null && break; sleep 0.1; done; ip route | grep -c default'
docker network inspect -f '{{.Internal}}' inner
docker run -d --name published --network inner -p 18101:80 box sh -c 'echo published >x; exec httpd -f' >id
docker port published
host curl -s -m 1 http://127.0.0.1:18101/x || echo not published
docker run -d --name both --network inner box sleep 1000 >id; docker network connect bridge both
docker exec both ip route | grep -c default

#: addresses are chosen and handed out
docker network create --subnet 172.31.242.0/24 --gateway 172.31.242.254 --ip-range 172.31.242.128/30 --aux-address other=172.31.242.129 planned
docker network inspect -f '{{json .IPAM.Config}}' planned | jq -S -c .
for n in a1 a2 a3; do docker run -d --name "$n" --network planned box sleep 1000 >id; docker inspect -f '{{.NetworkSettings.Networks.planned.IPAddress}}' "$n"; done | sort
try docker run -d --network planned box sleep 1000 2>&1 | grep -o -- '-> .*'
docker run --rm --network planned --ip 172.31.242.77 box sh -c 'ip -4 addr show eth0 | grep -o "inet [^ ]*"; ip route | grep default'
try docker run --rm --network planned --ip 172.31.242.77 box hostname -i | grep 172
docker rm -f a2 >id; docker run --rm --network planned box ip -4 addr show eth0 | grep -c 'inet 172.31.242.1'

#: a chosen address is kept, refused where it cannot be
docker network create --subnet 172.31.243.0/24 fixed >id
docker run -d --name holder --network fixed --ip 172.31.243.9 --mac-address 02:42:ac:1f:f3:09 box sleep 1000 >id
docker exec holder sh -c 'cat /sys/class/net/eth0/address; ip -4 addr show eth0 | grep -o "inet [^ ]*"'
docker restart -t 0 holder; docker inspect -f '{{.NetworkSettings.Networks.fixed.IPAddress}} {{.NetworkSettings.Networks.fixed.MacAddress}} {{.NetworkSettings.Networks.fixed.Gateway}} {{.NetworkSettings.Networks.fixed.IPPrefixLen}}' holder
docker inspect -f '{{json .NetworkSettings.Networks.fixed.IPAMConfig}}' holder
try docker run --rm --network fixed --ip 172.31.243.9 box true 2>&1 | grep -o -- '-> .*'
try docker run --rm --network fixed --ip 10.99.99.9 box true 2>&1 | grep -o -- '-> .*'
try docker run --rm --ip 172.17.0.200 box true 2>&1 | grep -o -- '-> .*'
docker network create automatic >id; try docker run --rm --network automatic --ip 172.18.0.200 box true 2>&1 | grep -o -- '-> .*'
docker ps -aq | wc -l

#: a running container is connected and disconnected
docker network create --subnet 172.31.244.0/24 second >id
docker run -d --name server box sh -c 'echo hello >x; exec httpd -f' >id
docker network connect --alias web --alias www --ip 172.31.244.44 second server
docker exec server sh -c 'ls /sys/class/net | grep eth; ip -4 addr show eth1 | grep -o "inet [^ ]*"'
docker run --rm --network second box sh -c 'wget -qO- http://web/x; wget -qO- http://www/x; wget -qO- http://server/x; wget -qO- http://172.31.244.44/x'
try docker network connect second server 2>&1 | grep -o -- '-> .*'
docker network disconnect bridge server
docker exec server sh -c 'ls /sys/class/net | grep eth'
docker network disconnect second server; docker exec server ls /sys/class/net | grep eth
try docker network disconnect second server 2>&1 | grep -o -- '-> .*'
docker network connect second server; docker run --rm --network second box wget -qO- http://server/x
docker inspect -f '{{range $name, $net := .NetworkSettings.Networks}}{{$name}} {{end}}' server

#: a stopped container remembers its networks
docker network create net1 >id; docker network create net2 >id
docker create --name later --network net1 box sh -c 'ls /sys/class/net | grep eth' >id
docker network connect net2 later
docker start -a later
docker network disconnect net1 later; docker start -a later
docker inspect -f '{{range $name, $net := .NetworkSettings.Networks}}{{$name}} {{end}}' later
docker network inspect -f '{{len .Containers}}' net2
docker network disconnect -f net2 later; docker start -a later
docker network rm net1 net2

#: several networks from the start
docker network create --subnet 172.31.245.0/24 front >id; docker network create --subnet 172.31.246.0/24 back >id
docker run -d --name multi --network name=front,ip=172.31.245.5,alias=fa --network name=back,ip=172.31.246.6,alias=ba,alias=bb box sh -c 'echo hi >x; exec httpd -f' >id
docker exec multi sh -c 'ip -4 addr | grep -oE "inet 172[^ ]*" | sort; ip route | grep -c default'
docker run --rm --network back box sh -c 'wget -qO- http://ba/x; wget -qO- http://bb/x; timeout 3 nslookup fa 127.0.0.11 >/dev/null 2>&1 || echo no fa here'
docker inspect -f '{{range $name, $net := .NetworkSettings.Networks}}{{$name}}={{$net.IPAddress}} {{end}}' multi
docker run --rm --network name=front,mac-address=02:42:ac:1f:f5:07 box cat /sys/class/net/eth0/address
docker network connect --gw-priority 10 back multi 2>&1 | tail -n 1 | grep -oE 'already exists in network back' 
docker network create hub >id; docker run --rm --network name=front,gw-priority=1 --network name=hub box sh -c 'ip route | grep default | grep -o 172.31.245.1'

#: the host's network and none
docker run --rm --network none box sh -c 'ls /sys/class/net; ip route | wc -l; ping -c 1 -W 1 127.0.0.1 >/dev/null && echo itself'
docker run -d --name onhost --network host box sh -c 'mkdir www; echo from the host >www/x; exec httpd -f -p 18102 -h www' >id
until_ok host curl -sf http://127.0.0.1:18102/x; host curl -s http://127.0.0.1:18102/x
docker inspect -f '{{range $name, $net := .NetworkSettings.Networks}}{{$name}} {{$net.IPAddress}}{{end}} {{.HostConfig.NetworkMode}}' onhost
test "$(docker run --rm --network host box hostname)" = "$(hostname)" && echo the name of the host
try docker network disconnect host onhost 2>&1 | grep -o -- '-> .*'
try docker network connect none onhost 2>&1 | grep -o -- '-> .*'
docker network create net1 >id; try docker network connect net1 onhost 2>&1 | grep -o -- '-> .*'
docker run -d --name alone --network none box sleep 1000 >id; try docker network connect net1 alone 2>&1 | grep -o -- '-> .*'

#: a container's network is shared
docker network create net1 >id
docker run -d --name owner --network net1 --hostname the-owner -p 18103:8080 box sleep 1000 >id
docker run -d --name guest --network container:owner box sh -c 'mkdir /www; echo guest >/www/x; exec httpd -f -p 8080 -h /www' >id
until_ok host curl -sf http://127.0.0.1:18103/x; host curl -s http://127.0.0.1:18103/x
docker exec owner wget -qO- http://127.0.0.1:8080/x
docker run --rm --network net1 box wget -qO- http://owner:8080/x
docker exec guest hostname
docker inspect -f '{{len .NetworkSettings.Networks}} {{.NetworkSettings.Ports}}' guest
for option in '-p 18104:80' '--hostname other' '--network-alias x' '--add-host a:1.2.3.4' '--dns 1.1.1.1' '--link owner:o'; do echo "$option"; try docker run --rm --network container:owner $option box true 2>&1 | grep -o -- '-> .*'; done
docker stop -t 0 owner; docker stop -t 0 guest; try docker start guest 2>&1 | grep -o -- '-> .*'
try docker run --rm --network container:missing box true 2>&1 | grep -o -- '-> .*'

#: a network's inspection lists who is in it
docker network create --label a=b --subnet 172.31.247.0/24 --attachable -o com.docker.network.bridge.name=brscen told >id
docker run -d --name in1 --network told --ip 172.31.247.11 box sleep 1000 >id
docker create --name stopped --network told box true >id
docker network inspect told | jq -S -c '.[0] | del(.Id, .Created, .Containers, .Status, .IPAM.Config[].Gateway)'
docker network inspect told | jq -c '.[0].Containers[] | [.Name, .IPv4Address, .IPv6Address, (.EndpointID | length), (.MacAddress | length)]'
docker network inspect -f '{{range .Containers}}{{.Name}}{{end}}' told
host ip -o link show brscen | grep -o brscen | head -n 1
docker network inspect told missing 2>error | jq -c 'map(.Name)'; cat error
docker network inspect -f '{{.Name}} {{.Driver}} {{.Scope}}' bridge host none
docker network inspect -f '{{index .Options "com.docker.network.bridge.default_bridge"}} {{index .Options "com.docker.network.bridge.enable_icc"}}' bridge

#: networks are listed by name, driver, label and use
docker network create --label tier=db net-db >id; docker network create --label tier=web --label x net-web >id; docker network create other >id
docker run -d --name user --network net-db box sleep 1000 >id
list() { docker network ls --format '{{.Name}}' "$@" | sort; }
list; echo --; list -f name=net; echo --; list -f label=tier; echo --; list -f label=tier=web; echo --; list -f driver=host; echo --; list -f type=custom; echo --; list -f type=builtin; echo --
list -f scope=swarm; echo --; list -f name=net -f label=x; echo --; list -f "id=$(docker network inspect -f '{{.Id}}' other)"
docker network ls --format '{{.Name}} {{.Driver}} {{.Scope}} {{.Internal}} {{.IPv6}} {{.Labels}}' -f name=net-db
docker network ls -q -f name=other | wc -c
try docker network ls -f nonsense=1 2>&1 | grep -o -- '-> .*'

#: a network in use stays
docker network create net1 >id
docker run -d --name user --network net1 box sleep 1000 >id
try docker network rm net1 2>&1 | grep -o -- '-> .*'
docker stop -t 0 user
docker network rm net1
try docker start user 2>&1 | grep -o -- '-> .*'
docker network create net1 >id; try docker start user 2>&1 | grep -o -- '-> .*'
docker network create net2 >id; docker network create net3 >id
try docker network rm net2 missing net3 2>&1 | grep -v Error
docker network rm -f missing; echo "-> $?"
for name in bridge host none; do try docker network rm "$name" 2>&1 | grep -o -- '-> .*'; done
api DELETE /networks/missing

#: by its id, a part of the id, or its name
id=$(docker network create byid)
docker network inspect -f '{{.Name}}' "$id" "$(printf %s "$id" | cut -c 1-12)" byid
docker run --rm --network "$id" box ip -4 addr show eth0 | grep -c inet
docker create --name cc --network "$(printf %s "$id" | cut -c 1-12)" box true >c; docker inspect -f '{{range $name, $net := .NetworkSettings.Networks}}{{$name}}{{end}}' cc
docker network connect "$id" "$(docker run -d --name dd box sleep 1000)"; docker network inspect -f '{{range .Containers}}{{.Name}}{{end}}' byid
docker network disconnect "$id" dd
docker network rm "$(printf %s "$id" | cut -c 1-12)" | wc -c

#: prune takes networks without containers
docker network create --label keep=yes kept >id; docker network create unused >id; docker network create used >id; docker network create stopped >id
docker run -d --name user --network used box sleep 1000 >id; docker create --name idle --network stopped box true >id
docker network prune -f --filter until=24h
docker network prune -f --filter label!=keep | sort
docker network prune -f --filter label=keep=no
docker network prune -f
docker network ls --format '{{.Name}}' | sort

#: names and subnets that are taken
docker network create --subnet 172.31.248.0/24 taken >id
try docker network create taken 2>&1 | tail -n 1
for subnet in 172.31.248.0/24 172.31.248.128/25 172.31.0.0/16; do try docker network create --subnet "$subnet" overlap 2>&1 | grep -o -- '-> .*'; done
for name in bridge host none default ' '; do echo "'$name' $(try docker network create -- "$name" 2>&1 | grep -o -- '-> .*')"; done
for options in '--subnet nonsense' '--subnet 172.31.249.5/24' '--gateway 172.31.249.1' '--subnet 172.31.249.0/24 --gateway 10.0.0.1' '--subnet 172.31.249.0/24 --ip-range 10.0.0.0/24' '--driver nonsense'; do echo "$options"; try docker network create $options wrong 2>&1 | grep -o -- '-> .*'; docker network rm wrong >id 2>&1; done
api POST /networks/create -H 'Content-Type: application/json' -d '{"Name":"taken"}' | tail -n 1
api POST /networks/create -H 'Content-Type: application/json' -d '{"Name":""}' | tail -n 1
try docker run --rm --network missing box true 2>&1 | grep -o -- '-> .*'; docker ps -aq | wc -l

#: ports are published
web() { docker run -d "$@" box sh -c 'mkdir /www; hostname >/www/x; exec httpd -f -h /www' >id; }
get() { until_ok host curl -sf "http://$1/x"; host curl -s "http://$1/x"; }
web --name one --hostname one -p 18110:80; web --name two --hostname two -p 127.0.0.1:18111:80; web --name many --hostname many -p 18112:80 -p 18113:80/tcp -p 18114:81
get 127.0.0.1:18110; get 127.0.0.1:18111; get 127.0.0.1:18112; get 127.0.0.1:18113
docker port two; docker port many 80 | grep -v '\[' | sort; docker port many 81/tcp | grep -v '\['
docker ps --format '{{.Names}} {{.Ports}}' | grep two
docker inspect -f '{{json .HostConfig.PortBindings}}' two
try docker port two 99 2>&1 | grep -o -- '-> .*'
docker stop -t 0 one; host curl -s -m 1 http://127.0.0.1:18110/x || echo closed
docker port one; docker start one; get 127.0.0.1:18110

#: a random port is published
docker run -d --name random -p 80 -p 127.0.0.1::81 box sh -c 'echo here >x; exec httpd -f' >id
port=$(docker port random 80 | head -n 1 | sed 's/.*://'); test "$port" -gt 1024 && echo high
until_ok host curl -sf "http://127.0.0.1:$port/x"; host curl -s "http://127.0.0.1:$port/x"
docker port random 81 | sed -E 's/:[0-9]+$/:N/'
test "$(docker inspect -f '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}' random)" = "$port" && echo inspected
docker inspect -f '{{json .HostConfig.PortBindings}}' random | jq -S -c .
docker stop -t 0 random; docker port random; docker inspect -f '{{json .NetworkSettings.Ports}}' random

#: udp and ranges are published
docker run -d --name range -p 18121-18123:8001-8003 -p 127.0.0.1:18124-18125:80-81/udp box sh -c 'mkdir w; echo two >w/x; exec httpd -f -p 8002 -h w' >id
until_ok host curl -sf http://127.0.0.1:18122/x; host curl -s http://127.0.0.1:18122/x
docker port range | grep -v '\[' | sort
docker run -d --name picked -p 18126-18128:80 box sh -c 'echo picked >x; exec httpd -f' >id
port=$(docker port picked 80 | head -n 1 | sed 's/.*://'); test "$port" -ge 18126 -a "$port" -le 18128 && echo in the range
try docker create -p 18121-18123:1-2 box true 2>&1 | grep -o -- '-> .*'

#: a port that is taken is refused, and free again afterwards
docker run -d --name first -p 18130:80 box sleep 1000 >id
try docker run -d --name second -p 18130:80 box sleep 1000 2>&1 | grep -o -- 'port is already allocated\|-> .*'
docker inspect -f '{{.State.Status}} {{.State.Running}}' second
docker rm -f first
docker start second; docker port second | grep -v '\['
docker run -d --name third -p 127.0.0.1:18131:80 box sleep 1000 >id; try docker run -d --name fourth -p 127.0.0.2:18131:80 box sleep 1000 2>&1 | grep -o -- 'port is already allocated\|-> .*'
docker run -d --name fifth -p 18132:80 -p 18132:80/udp box sleep 1000 >id; docker port fifth | grep -v '\[' | sort
for spec in 70000:80 80:70000 x:80 1.2.3:18133:80 18133:80/icmp ''; do echo "-p '$spec'"; try docker create -p "$spec" box true 2>&1 | grep -o -- '-> .*'; done

#: exposed ports are published with -P
docker build -q -t exposing - <<<$'FROM box\nEXPOSE 80 81/udp\nCMD echo exposed >x && exec httpd -f' >id
docker run -d --name all -P --expose 82 --expose 90-91 exposing >id
docker port all | grep -v '\[' | sed 's/:[0-9]*$//' | sort
port=$(docker port all 80 | head -n 1 | sed 's/.*://'); until_ok host curl -sf "http://127.0.0.1:$port/x"; host curl -s "http://127.0.0.1:$port/x"
docker inspect -f '{{json .Config.ExposedPorts}}' all | jq -S -c .
docker run -d --name none exposing >id; docker port none; docker ps --format '{{.Names}} {{.Ports}}' -f name=none
docker run -d --name some -p 18140:80 exposing >id; docker ps --format '{{.Ports}}' -f name=some | grep -o '0.0.0.0:18140->80/tcp\|, 81/udp\|^81/udp\| 81/udp'
docker ps --format '{{.Names}}' -f publish=18140; docker ps --format '{{.Names}}' -f expose=82

#: links give names and variables
docker run -d --name db -e SECRET=s3 --expose 5432 box sleep 1000 >id
docker run --rm --name user --link db:database box sh -c 'grep -c database /etc/hosts; env | grep ^DATABASE | sed -E "s/[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+/IP/" | sort'
docker run -d --name linked --link db --link db:alias box sleep 1000 >id
docker exec linked sh -c 'ping -c 1 -W 2 db >/dev/null && echo db answers; ping -c 1 -W 2 alias >/dev/null && echo alias answers'
docker inspect -f '{{json .HostConfig.Links}}' linked | jq -c sort
docker network create net1 >id; docker run -d --name other --network net1 box sleep 1000 >id
docker run --rm --network net1 --link other:friend box ping -c 1 -W 2 friend | grep -c '1 packets received'
try docker run --rm --link missing:x box true 2>&1 | grep -o -- '-> .*'

#: an IPv6 network
docker network create --ipv6 --subnet fd00:77:1::/64 --subnet 172.31.250.0/24 six >id
docker run -d --name server --network six --ip6 fd00:77:1::99 box sh -c 'echo six >x; exec httpd -f -p "[::]:80"' >id
docker inspect -f '{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}}/{{.GlobalIPv6PrefixLen}} {{.IPv6Gateway}}{{end}}' server
docker run --rm --network six box sh -c 'for i in $(seq 50); do wget -qO- "http://[fd00:77:1::99]/x" 2>/dev/null && break; sleep 0.1; done; ip -6 route | grep -c "^default"; ping -6 -c 1 -W 2 server | grep -o "fd00:77:1::99" | head -n 1'
docker network inspect -f '{{.EnableIPv6}} {{.EnableIPv4}} {{range .IPAM.Config}}{{.Subnet}} {{end}}' six
docker network inspect -f '{{range .Containers}}{{.IPv6Address}}{{end}}' six
docker network create --ipv4=false --ipv6 --subnet fd00:77:2::/64 only6 >id
docker run --rm --network only6 box sh -c 'ip -4 addr show eth0 | grep -c inet; ip -6 addr show eth0 | grep -c fd00:77:2'
docker network create --ipv6 auto6 >id; docker network inspect -f '{{len .IPAM.Config}}' auto6

#: options of a bridge that users set
docker network create -o com.docker.network.bridge.name=br-opt -o com.docker.network.driver.mtu=1400 -o com.docker.network.bridge.enable_icc=false -o com.docker.network.container_iface_prefix=lan opts >id
docker run -d --name server --network opts -p 127.0.0.1:18150:80 box sh -c 'echo hi >x; exec httpd -f' >id
docker exec server sh -c 'ls /sys/class/net | grep lan; cat /sys/class/net/lan0/mtu'
host ip -o link show br-opt | grep -o br-opt | head -n 1
until_ok host curl -sf http://127.0.0.1:18150/x; host curl -s http://127.0.0.1:18150/x
docker run --rm --network opts box sh -c 'timeout 1 wget -qO- http://server/x 2>/dev/null || echo not between containers'
docker network create -o com.docker.network.bridge.host_binding_ipv4=127.0.0.1 local >id
docker run -d --name bound --network local -p 18151:80 box sleep 1000 >id; docker port bound
docker network rm opts >out 2>&1; docker rm -f server; docker network rm opts; host ip link show br-opt >out 2>&1 || echo no bridge left
docker network create -o com.docker.network.bridge.gateway_mode_ipv4=isolated --internal isolated >id; docker run --rm --network isolated box sh -c 'ip route | grep -c default'

#: extra hosts, name servers and the host's name
docker run --rm --hostname web --domainname example.test --add-host db:10.1.2.3 --add-host 'six:fd00::1' box sh -c 'hostname; grep -E "db|six|web" /etc/hosts | sed -E "/web/s/^[0-9.]+/IP/"'
docker run --rm --dns 10.9.9.9 --dns 10.9.9.8 --dns-search example.test --dns-option ndots:3 box sh -c 'grep -v "^#" /etc/resolv.conf | grep .'
docker network create net1 >id
docker run --rm --network net1 --dns 10.9.9.9 --dns-search example.test --dns-option ndots:3 box sh -c 'grep -v "^#" /etc/resolv.conf | grep . | sort'
docker run --rm --add-host gate:host-gateway box sh -c 'test "$(grep gate /etc/hosts | cut -f 1)" = "$(ip route | grep default | cut -d " " -f 3)" && echo the gateway'
docker run -d --name target --network net1 box sleep 1000 >id; docker run --rm --network net1 --add-host target:10.1.1.1 box sh -c 'grep target /etc/hosts'
try docker run --rm --add-host nonsense box true 2>&1 | grep -o -- '-> .*'
try docker run --rm --dns nonsense box true 2>&1 | grep -o -- '-> .*'

#: a renamed container has its new name on the network
docker network create net1 >id
docker run -d --name before --network net1 --network-alias stays box sh -c 'echo hi >x; exec httpd -f' >id
docker rename before after
docker run --rm --network net1 box sh -c 'for i in $(seq 50); do wget -qO- http://after/x 2>/dev/null && break; sleep 0.1; done; wget -qO- http://stays/x; nslookup before 127.0.0.11 >/dev/null 2>&1 || echo no before'
docker network inspect -f '{{range .Containers}}{{.Name}}{{end}}' net1
docker run -d --name before --network net1 box sh -c 'echo new >x; exec httpd -f' >id
docker run --rm --network net1 box sh -c 'for i in $(seq 50); do wget -qO- http://before/x 2>/dev/null && break; sleep 0.1; done'

#: an interface has the name, the settings and the link-local addresses that were asked for
docker network create own --subnet 172.31.236.0/24 >id; docker network create other --subnet 172.31.237.0/24 >id
docker run --rm --network name=own,driver-opt=com.docker.network.endpoint.ifname=front0 box sh -c 'ls /sys/class/net; ip -4 addr show front0 | grep -c 172.31.236'
docker run --rm --network own --network name=other,driver-opt=com.docker.network.endpoint.ifname=back0 box ls /sys/class/net
docker run --rm --network '"name=own","driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.conf.IFNAME.rp_filter=2"' box sh -c 'cat /proc/sys/net/ipv4/conf/eth0/log_martians /proc/sys/net/ipv4/conf/eth0/rp_filter'
docker run --rm --network own --link-local-ip 169.254.34.68 box sh -c 'ip -4 addr show eth0 | grep -o "inet [^ ]*" | grep 169'
docker run -d --name late box sleep 1000 >id
docker network connect --driver-opt com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1 --driver-opt com.docker.network.endpoint.ifname=late0 own late
docker exec late sh -c 'ls /sys/class/net; cat /proc/sys/net/ipv4/conf/late0/log_martians'
docker inspect -f '{{json (index .NetworkSettings.Networks "own").DriverOpts}}' late | jq -S -c .
docker create --name planned --network own --link-local-ip 169.254.34.70 box true >id; docker inspect -f '{{json (index .NetworkSettings.Networks "own").IPAMConfig}}' planned | jq -c .
for bad in net.ipv4.conf.eth0.log_martians=1 net.ipx.conf.IFNAME.x=1 kernel.msgmax=1; do try docker run --rm --network "name=own,driver-opt=com.docker.network.endpoint.sysctls=$bad" box true 2>&1 | grep -oE 'unrecognised.*|-> .*'; done
try docker run --rm --network name=own,driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.no_such=1 box true 2>&1 | grep -oE '/proc.*file|-> .*' | sed 's/eth[0-9]*/ETH/'
try docker run --rm --network own --link-local-ip 0.0.0.0 box true 2>&1 | grep -oE 'invalid link-local.*|-> .*'

#: the way out is by the network of the highest priority, also after one is joined or left
docker network create low --subnet 172.31.236.0/24 >id; docker network create high --subnet 172.31.237.0/24 >id
docker run -d --name traveller --network low box sleep 1000 >id
docker exec traveller sh -c 'ip route | grep -o "default via 172.31.23[67].1"'
docker network connect --gw-priority 7 high traveller
docker exec traveller sh -c 'ip route | grep -o "default via 172.31.23[67].1"'
docker network disconnect high traveller
docker exec traveller sh -c 'ip route | grep -o "default via 172.31.23[67].1"'
docker network connect --gw-priority -1 high traveller
docker exec traveller sh -c 'ip route | grep -o "default via 172.31.23[67].1"'
docker network disconnect low traveller
docker exec traveller sh -c 'ip route | grep -o "default via 172.31.23[67].1"; ip route | grep -c default'
docker network disconnect high traveller; docker exec traveller sh -c 'ip route | wc -l'

#: a link is taken away by its name
docker run -d --name db box sleep 1000 >id; docker run -d --name web --link db:data --link db:more box sleep 1000 >id
docker inspect -f '{{json .HostConfig.Links}}' web | jq -c sort
docker rm --link web/data
docker inspect -f '{{json .HostConfig.Links}}' web | jq -c sort
docker ps --format '{{.Names}}' | sort
docker restart -t 0 web; docker exec web sh -c 'grep -c data /etc/hosts; grep -c more /etc/hosts'
try docker rm --link web/never 2>&1 | grep -o -- '-> .*'; try docker rm --link web 2>&1 | grep -oE 'Conflict.*|-> .*'
docker rm -f db web >out; docker ps -aq
