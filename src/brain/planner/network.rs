//! The network: addresses, names, routes, reaching others.

use super::intent::{Intent, Run};
use super::slot::Slot;

pub(super) const INTENTS: &[Intent] = &[
    Intent {
        say: "\
            ip; my ip; local|private|lan|internal ip; ip address; ifconfig; ip of machine|computer; what my ip; \
            ip have",
        also: "v4 ipv4 network address addresses",
        intro: "Addresses of this machine:",
        ..Intent::reads(
            "local-ip",
            "what is my IP address?",
            Run::Each { linux: "ip -br address show up", macos: "ifconfig | grep 'inet '" },
        )
    },
    Intent {
        say: "\
            public|external|wan|outside|internet ip; ip on|seen internet; ip internet; ip from outside; \
            ip internet sees?",
        also: "address outside sees",
        intro: "This machine's address as seen from outside, asked of api.ipify.org:",
        ..Intent::reads(
            "public-ip",
            "what is my public IP?",
            Run::Both("curl -fsS --max-time 10 -w '\\n' https://api.ipify.org"),
        )
    },
    Intent {
        say: "\
            gateway; default gateway|route|router; router ip|address; ip router|gateway; address router|gateway; \
            my router",
        also: "address network ip default",
        intro: "The default gateway:",
        empty: "There is no default route.",
        ..Intent::reads(
            "gateway",
            "what is my default gateway?",
            Run::Each { linux: "ip route show default", macos: "route -n get default" },
        )
    },
    Intent {
        say: "\
            dns; dns server|servers|resolver|settings|configuration|config; nameserver|nameservers; \
            resolver|resolvers; dns use; dns server use; nameserver use",
        also: "server use configured being addresses set",
        intro: "DNS servers in use:",
        empty: "No DNS server is configured.",
        ..Intent::reads(
            "dns-servers",
            "which DNS servers am I using?",
            Run::Each {
                linux: "grep -v '^#' /etc/resolv.conf; command -v resolvectl >/dev/null && resolvectl dns 2>/dev/null",
                macos: "scutil --dns | grep 'nameserver\\[' | sort -u",
            },
        )
    },
    Intent {
        say: "\
            resolve {anyhost:host}; ip of? {host}; address of? {host}; dns lookup|record|records|entry of? {host}; \
            lookup|nslookup|dig {anyhost:host}; look up {host}; {host} resolve to?; search up {host}; \
            what does? {host} resolve to; dns {host}; ip host|server|domain|site {host}",
        also: "the address to dns host name domain hostname",
        intro: "The addresses of {host}:",
        empty: "The name {host} doesn't resolve.",
        ..Intent::reads(
            "resolve",
            "what is the IP address of example.com?",
            Run::Each { linux: "getent ahosts {host} | sort -u", macos: "dscacheutil -q host -a name {host}" },
        )
    },
    Intent {
        say: "\
            ping {anyhost:host}; ping host|server {anyhost:host}; reach {host}; \
            {host} reach|up|alive|down|responding|online; can i? reach {host}; \
            is host|server {anyhost:host} up|reach|running|down|online; latency to? {anyhost:host}; \
            round trip time to? {host}; {host} running",
        also: "server host there still up or down running reach times time",
        intro: "Four pings to {host}:",
        ..Intent::reads("ping", "ping example.com", Run::Both("ping -c 4 {host}"))
    },
    Intent {
        say: "\
            {hostport} reach|open|listen|up|responding; reach {hostport}; connect to? {hostport}; \
            connection to {hostport}; port {port} on|of|at? {host} open|reach|listen|use; \
            port {port} open|reach|closed on|at|of {host}; port {port} {host}; {host} port {port} open|reach?; \
            {host} reach|listen|open port {port}; can i? reach|connect {host} port {port}; \
            reach port {port} on {host}; test connection to? {hostport}; test port {port} {host}",
        also: "open reach to host server connect i can up",
        intro: "Whether {host} accepts connections on port {port}:",
        ..Intent::reads(
            "reach-port",
            "is port 443 on example.com reachable?",
            Run::Each {
                linux: "if command -v nc >/dev/null; then nc -zv -w 5 {host} {port}; else curl -sv --connect-timeout 5 --max-time 6 telnet://{host}:{port} </dev/null; fi",
                macos: "nc -zv -G 5 {host} {port}",
            },
        )
    },
    Intent {
        say: "\
            status {url:address}; http status|headers|header {url:address}; headers|header {url:address}; \
            {url:address} up|down|working|reach|online|responding; is {url:address} up|down|working|reach|online; \
            http status|headers|header code? {host:address}; \
            website|site|page|webpage {host:address} up|down|working|online|reach; status code {url:address}; \
            check website|site|url? {url:address}; what does {url:address} answer|return|returns; \
            is website|site {host:address} up|down|online|working",
        also: "code page website site response http running status the",
        intro: "What the server answers:",
        ..Intent::reads("http-status", "is https://example.com up?", Run::Both("curl -sSIL --max-time 15 {address}"))
    },
    Intent {
        say: "interface; network interface|cards|card|device; network device|hardware; interface up",
        also: "network ethernet up cards active",
        intro: "Network interfaces:",
        ..Intent::reads(
            "interfaces",
            "list the network interfaces",
            Run::Each { linux: "ip -br link", macos: "ifconfig -a" },
        )
    },
    Intent {
        say: "macaddress; macaddress of? interface|network|ethernet|wifi?",
        also: "card network interface ethernet wifi",
        intro: "Hardware addresses:",
        ..Intent::reads(
            "mac-address",
            "what is my MAC address?",
            Run::Each { linux: "ip -br link", macos: "ifconfig | grep -E '^[a-z]|ether '" },
        )
    },
    Intent {
        say: "route; route table; network|ip route table?; kernel route table?",
        also: "table network ip",
        intro: "The routing table:",
        ..Intent::reads(
            "routes",
            "show the routing table",
            Run::Each { linux: "ip route", macos: "netstat -rn -f inet" },
        )
    },
    Intent {
        say: "\
            arp; arp table|cache|entries; neighbour; device network; neighbour table|network; \
            other? device|host|hosts|machines|computers on network; device on local network; \
            who on my? network|wifi|lan",
        also: "local network my are other connection lan wifi",
        intro: "Neighbours this machine has talked to lately:",
        empty: "No neighbours are known.",
        ..Intent::reads("neighbours", "show the arp table", Run::Each { linux: "ip neighbour", macos: "arp -an" })
    },
    Intent {
        say: "\
            wifi; wifi network|networks|name|ssid|connection|signal|strength; ssid; wifi connection; \
            which|what wifi; wifi am i? on|connection; wifi signal strength; wifi networks nearby|around|free; \
            networks wifi; name wifi",
        also: "network connection name signal strength nearby networks free around current to",
        intro: "Wireless networks:",
        empty: "There is no wireless interface.",
        ..Intent::reads(
            "wifi",
            "which wifi network am I on?",
            Run::Each {
                linux: "if command -v nmcli >/dev/null; then nmcli -f IN-USE,SSID,SIGNAL,RATE,SECURITY device wifi list; else cat /proc/net/wireless; fi",
                macos: "system_profiler SPAirPortDataType | head -n 60",
            },
        )
    },
    Intent {
        say: "\
            online; am i online; internet connection|working|up|down|reach|free|access; have internet; \
            connection internet; reach internet; is internet up|down|working|on; internet connection working|up; \
            network up|working|down",
        also: "connection working up down access am i still my or",
        intro: "Whether the internet can be reached:",
        ..Intent::reads(
            "online",
            "am I online?",
            Run::Both(
                "curl -sS -o /dev/null --max-time 10 -w 'online, HTTP %{http_code} after %{time_total} s\\n' https://example.com",
            ),
        )
    },
    Intent {
        say: "\
            network traffic|statistics|stats|throughput; traffic; much network? traffic|data|bandwidth; \
            data transferred|sent|received; network use; traffic per|by interface; bandwidth use?; \
            network interface statistics|stats; bytes sent|received",
        also: "network interface per sent received and use been traffic statistics",
        intro: "Traffic of the interfaces since the system started:",
        ..Intent::reads(
            "traffic",
            "show network traffic statistics",
            Run::Each { linux: "ip -s -h link", macos: "netstat -ib" },
        )
    },
    Intent {
        say: "hosts file; hosts entries; entries hosts file; show hosts file; content hosts file; what hosts file",
        also: "entries content show my",
        intro: "The hosts file:",
        ..Intent::reads("hosts-file", "show the hosts file", Run::Both("cat /etc/hosts"))
    },
    Intent {
        say: "\
            traceroute to? {anyhost:host}; trace route|path to? {anyhost:host}; route to? {host}; path to? {host}; \
            hops to? {host}; count hops to? {host}; network path to? {host}",
        also: "network the there",
        intro: "The way to {host}:",
        ..Intent::reads(
            "traceroute",
            "trace the route to example.com",
            Run::Each {
                linux: "if command -v traceroute >/dev/null; then traceroute -w 2 -m 20 {host}; else tracepath -m 20 {host}; fi",
                macos: "traceroute -w 2 -m 20 {host}",
            },
        )
    },
    Intent {
        say: "\
            certificate {host}; when certificate of? {host} expire|expires; \
            certificate expiry|expiration|dates|date {host}; tls|ssl certificate {host}; \
            when does? {host} certificate expire; {host} certificate; certificate {host} valid|expired|expire",
        also: "tls ssl https expire expires expired date valid still when until how long run",
        intro: "The certificate of {host}:",
        ..Intent::reads(
            "certificate",
            "when does the certificate of example.com expire?",
            Run::Both(
                "openssl s_client -connect {host}:443 -servername {host} </dev/null 2>/dev/null | openssl x509 -noout -subject -issuer -dates",
            ),
        )
    },
    Intent {
        say: "\
            proxy; proxy settings|configuration|variable|use; use proxy; http proxy; http proxy settings|set; \
            proxy set|configured",
        also: "settings configured set use am http network",
        with: &[Slot::Count],
        intro: "Proxy settings of the environment:",
        empty: "No proxy is set.",
        ..Intent::reads("proxy", "which proxy is configured?", Run::Both("printenv | grep -i _proxy="))
    },
];
