//! A command of the agent in its sandbox reaches the hands, who know whose it is, and no other socket of the file system.

use super::env::TestEnv;
use super::pty::Screen;
use super::stub::{Chunking, Format, Stub, Turn};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};

/// Runs a script as the agent's command in the sandbox, with a yes; its record, and what it printed.
#[track_caller]
fn confined(env: &mut TestEnv, command: &str) -> (serde_json::Value, String) {
    let turns = [Turn::runs(command), Turn::says("It ended.")];
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, turns);
    stub.serve(env);
    let mut screen = Screen::pryx(env, &["do it"]);
    screen.wait_for("[y] yes");
    screen.keys("y");
    screen.wait_for("It ended.");
    screen.wait();
    let job = env.json(["ps", "-a"]).as_array().expect("jobs").iter().find(|job| job["command"] == command).cloned();
    let job = job.expect("the job");
    let log = env.ok(["log", job["id"].as_str().expect("an id")]);
    (job, log)
}

#[test]
fn a_confined_command_reaches_the_hands_as_the_agent_and_no_other_socket() {
    let mut env = TestEnv::outside_tmp();
    let home = env.home();
    let _docker = UnixListener::bind(home.join("docker.sock")).expect("a socket");
    let _log = UnixDatagram::bind(home.join("log.sock")).expect("a socket");
    let name = format!("pryx-door-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("an address");
    let _abstract = UnixListener::bind_addr(&address).expect("an abstract socket");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    let script = format!(
        r#"
import asyncio, fcntl, glob, json, os, socket, threading
home, run = os.environ['HOME'], os.environ['PRYX_HOME'] + '/run'
def tried(name, what):
    try: what(); print('did', name)
    except OSError as e: print('not', name, e.errno)
def unix(address): return lambda: socket.socket(socket.AF_UNIX).connect(address)
def status(s):
    s.sendall(asked)
    lines = s.makefile()
    return lines.readline() and lines.readline()
print('open', sorted(int(f) for f in os.listdir('/proc/self/fd')))
asked = (b'{{"id": 1, "action": "hello", "data": {{"protocol": 1, "client": "test"}}}}\n'
         b'{{"id": 2, "action": "status", "data": {{}}}}\n')
s = socket.socket(socket.AF_UNIX)
s.connect(run + '/hands.sock')
print('said', status(s))
os.chdir(run)
tried('by another name', unix('./hands.sock'))
tried('docker', unix(home + '/docker.sock'))
tried('keeper', unix(glob.glob(run + '/k/*.sock')[0] if glob.glob(run + '/k/*.sock') else run + '/k/' + os.environ['PRYX_JOB'] + '.sock'))
tried('abstract', unix('\0{name}'))
tried('nothing', unix(home + '/no.sock'))
tried('datagram', lambda: socket.socket(socket.AF_UNIX, 2).sendto(b'x', home + '/log.sock'))
tried('packets', lambda: socket.socket(socket.AF_UNIX, 5).connect(home + '/docker.sock'))
tried('pair', lambda: socket.socketpair(1, 2)[0].sendto(b'x', home + '/log.sock'))
tried('again', lambda: s.connect(home + '/docker.sock'))
tried('half a pair', lambda: socket.socketpair()[0].connect(home + '/docker.sock'))
tried('tcp', lambda: socket.create_connection(('127.0.0.1', {port})))
async def both():
    r, w = await asyncio.open_unix_connection(run + '/hands.sock')
    w.write(asked)
    await r.readline()
    assert b'agent' in await r.readline()
    await asyncio.open_connection('127.0.0.1', {port})
asyncio.run(both())
print('did asyncio')
s = socket.socket(socket.AF_UNIX); s.setblocking(False); s.connect(run + '/hands.sock')
flags = fcntl.fcntl(s, fcntl.F_GETFL), fcntl.fcntl(s, fcntl.F_GETFD)
assert flags[0] & os.O_NONBLOCK and flags[1] & fcntl.FD_CLOEXEC, flags
# Another thread swaps the address while the call is looked at: whichever is taken, it is the hands or none.
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
class Address(ctypes.Structure): _fields_ = [('family', ctypes.c_ushort), ('path', ctypes.c_char * 108)]
a, good, bad = Address(1, b''), (run + '/hands.sock').encode(), (home + '/docker.sock').encode()
over = False
def swap():
    while not over: a.path = good; a.path = bad; a.family = 2; a.family = 1
thread = threading.Thread(target=swap); thread.start()
for _ in range(300):
    s = socket.socket(socket.AF_UNIX)
    if libc.connect(s.fileno(), ctypes.byref(a), 110) == 0: assert s.getpeername() == run + '/hands.sock', s.getpeername()
over = True; thread.join()
print('did race')
"#,
        port = tcp.local_addr().expect("a port").port()
    );
    std::fs::write(env.file("script.py"), script).expect("a script");
    let (job, log) = confined(&mut env, "python3 script.py");
    assert_eq!(job["sandbox"]["profile"], "workspace+network", "{job:#}");
    for done in ["by another name", "tcp", "asyncio", "race"] {
        assert!(log.contains(&format!("did {done}")), "{done}: {log}");
    }
    for refused in ["docker", "keeper", "abstract", "nothing", "datagram", "packets", "pair", "again", "half a pair"] {
        assert!(log.contains(&format!("not {refused} ")), "{refused}: {log}");
    }
    assert!(log.contains("open [0, 1, 2, 3]"), "no descriptor of the way itself is left to it: {log}");
    let said = log.lines().find(|line| line.starts_with("said")).expect("an answer");
    assert!(said.contains("agent"), "{said}");
}

/// What the keeper connects is still the command's, and ruled on as such: by a shell, by Python, and by a child that left
/// its session and its parents.
#[test]
fn pryx_in_the_sandbox_is_the_agents() {
    let mut env = TestEnv::outside_tmp();
    std::fs::create_dir_all(env.pryx_home()).expect("a directory");
    std::fs::write(env.pryx_home().join("config.toml"), "[hands]\nidle_minutes = 3\n").expect("settings");
    env.ok(["exec", "--", "true"]);
    let pryx = super::env::PRYX;
    let script = format!(
        "cat $PRYX_HOME/config.toml && echo settings-read\n{pryx} ps -a; echo code=$?\n{pryx} hands stop; echo code=$?\n{pryx} exec -- touch $HOME/made; echo code=$?\n\
         python3 -c 'import subprocess; subprocess.run([\"{pryx}\", \"hands\", \"stop\"])'\n\
         (setsid -f bash -c '{pryx} hands stop >late 2>&1; echo over >>late' &)\n\
         until grep -q over late 2>/dev/null; do sleep 0.05; done; cat late\n"
    );
    std::fs::write(env.file("script.sh"), script).expect("a script");
    let (_, log) = confined(&mut env, "bash script.sh");
    assert!(log.contains("code=0"), "its jobs can be listed, without the settings: {log}");
    assert!(!log.contains("settings-read"), "{log}");
    assert_eq!(log.matches("can't end the hands").count(), 3, "{log}");
    assert!(!env.home().join("made").exists(), "{log}");
    env.ok(["hands", "status"]);
}

/// The way out is the agent's alone: to a person's own command the hands would do anything.
#[test]
fn a_persons_command_in_a_sandbox_does_not_reach_the_hands() {
    let env = TestEnv::outside_tmp();
    let argv = ["exec", "--mode", "workspace", "--no-tty", "--", super::env::PRYX, "exec", "--", "touch", "made"];
    let done = env.pryx(argv).run();
    assert_ne!(done.code(), Some(0), "{done}");
    assert!(!env.file("made").exists());
}
