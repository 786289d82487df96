//! What the kernel keeps a confined command from: each thing is tried from a shell, from Python and from a child that left
//! its session, and each try is also made without the sandbox, to show that it would have worked.

use super::env::{Act, Done, TestEnv, is_alive, signal};
use super::stub::{Chunking, Format, Stub, Turn};
use rustix::pty::{OpenptFlags, openpt};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::process::Child;

/// A try: code that ends with 0 exactly if the forbidden thing was done.
struct Try {
    name: &'static str,
    shell: Option<&'static str>,
    python: Option<&'static str>,
    /// Without a sandbox only root can do it.
    root: bool,
    /// It needs a terminal.
    tty: bool,
}

const fn by(name: &'static str, shell: Option<&'static str>, python: Option<&'static str>) -> Try {
    Try { name, shell, python, root: false, tty: false }
}

/// What is in the way: a home directory with a key, listeners, a process of the person's.
struct World {
    env: TestEnv,
    tcp: TcpListener,
    udp: UdpSocket,
    _socket: UnixListener,
    _datagrams: UnixDatagram,
    _abstract: UnixListener,
    victim: Child,
    terminal: OwnedFd,
}

impl World {
    fn new() -> Self {
        let env = TestEnv::outside_tmp();
        let home = env.home();
        std::fs::create_dir(home.join(".ssh")).expect("a directory");
        std::fs::write(home.join(".ssh/id"), "the key\n").expect("a key");
        std::fs::write(home.join("notes"), "notes\n").expect("a file");
        let mut victim = env.program("sleep");
        victim.arg("613").current_dir(home.join(".ssh")).env("VICTIM", "secret");
        let name = format!("pryx-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name).expect("an address");
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        rustix::pty::unlockpt(&terminal).expect("a terminal");
        Self {
            terminal,
            tcp: TcpListener::bind("127.0.0.1:0").expect("a port"),
            udp: UdpSocket::bind("127.0.0.1:0").expect("a port"),
            _socket: UnixListener::bind(home.join("docker.sock")).expect("a socket"),
            _datagrams: UnixDatagram::bind(home.join("log.sock")).expect("a socket"),
            _abstract: UnixListener::bind_addr(&address).expect("an abstract socket"),
            victim: victim.spawn().expect("a process"),
            env,
        }
    }

    fn run(&self, held: bool, tty: bool, argv: &[&str]) -> Done {
        let pid = self.victim.id().to_string();
        let ports = (self.tcp.local_addr().expect("a port").port(), self.udp.local_addr().expect("a port").port());
        let mut command = self.env.program(super::env::PRYX);
        command.arg("exec");
        if held {
            command.args(["--mode", "workspace"]);
        }
        command.arg(if tty { "--tty" } else { "--no-tty" });
        for (name, value) in [
            ("VICTIM_PID", pid),
            ("TCP", ports.0.to_string()),
            ("UDP", ports.1.to_string()),
            ("PTS", rustix::pty::ptsname(&self.terminal, Vec::new()).expect("a name").to_string_lossy().into_owned()),
            ("ABSTRACT", format!("pryx-test-{}", std::process::id())),
        ] {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        command.arg("--").args(argv);
        Act::new(command).run()
    }

    /// Undoes what a try that worked has done.
    fn tidy(&self) {
        for left in ["out", "new.sock"] {
            let _ = std::fs::remove_file(self.env.home().join(left));
        }
        for left in std::fs::read_dir(self.env.work()).expect("a directory").flatten() {
            let path = left.path();
            if path.join("id").exists() && !path.is_symlink() {
                std::fs::rename(&path, self.env.home().join(".ssh")).expect("the keys' directory");
            } else {
                let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
            }
        }
        std::fs::write(self.env.home().join("notes"), "notes\n").expect("a file");
    }

    /// Tries it in every way, with and without the sandbox.
    #[track_caller]
    fn fails_only_held(&self, one: &Try) {
        let mut ways: Vec<Vec<&str>> = Vec::new();
        if let Some(script) = one.shell {
            ways.push(vec!["bash", "-c", script]);
            ways.push(vec!["setsid", "-w", "bash", "-c", script]);
        }
        if let Some(script) = one.python {
            ways.push(vec!["python3", "-c", script]);
            ways.push(vec!["setsid", "-w", "python3", "-c", script]);
        }
        for way in ways {
            // A process without a terminal can't try to type into one.
            if one.tty && way[0] == "setsid" {
                continue;
            }
            let free = self.run(false, one.tty, &way);
            self.tidy();
            assert_eq!(free.code(), Some(0), "{}: it doesn't work without a sandbox either: {free}", one.name);
            let held = self.run(true, one.tty, &way);
            self.tidy();
            assert_ne!(held.code(), Some(0), "{}: the sandbox let it through: {held}", one.name);
            assert_eq!(std::fs::read_to_string(self.env.home().join("notes")).expect("a file"), "notes\n");
        }
        assert!(is_alive(i32::try_from(self.victim.id()).expect("a process id")));
    }

    fn try_all(&self, tries: &[Try]) {
        let root = rustix::process::geteuid().is_root();
        let mut tried = 0;
        for one in tries.iter().filter(|one| root || !one.root) {
            self.fails_only_held(one);
            tried += 1;
        }
        assert!(tried > 0);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        signal(i32::try_from(self.victim.id()).expect("a process id"), rustix::process::Signal::KILL);
        let _ = self.victim.wait();
    }
}

#[test]
fn a_confined_command_changes_nothing_outside_of_its_workspace() {
    World::new().try_all(&[
        by("write", Some("echo x > $HOME/out"), Some("import os; open(os.environ['HOME']+'/out','w')")),
        by("overwrite", Some("echo x > $HOME/notes"), Some("import os; open(os.environ['HOME']+'/notes','w')")),
        by("append", Some("echo x >> $HOME/notes"), Some("import os; open(os.environ['HOME']+'/notes','a')")),
        by("empty", Some("truncate -s 0 $HOME/notes"), Some("import os; os.truncate(os.environ['HOME']+'/notes', 0)")),
        by("remove", Some("rm $HOME/notes"), Some("import os; os.unlink(os.environ['HOME']+'/notes')")),
        by("make a directory", Some("mkdir $HOME/out && rmdir $HOME/out"), None),
        by("through a link", Some("ln -s $HOME link && echo x > link/out"), None),
        by("through /proc", Some("echo x > /proc/self/root$HOME/out"), Some("open('/proc/self/root'+__import__('os').environ['HOME']+'/out','w')")),
        by("move in", Some("mv $HOME/.ssh stolen"), Some("import os; os.rename(os.environ['HOME']+'/.ssh','stolen')")),
        by("move out", Some("echo x > made && mv made $HOME/out"), None),
        by("exchange", None, Some(
            "import ctypes,os\nopen('made','w')\nl=ctypes.CDLL(None,use_errno=True)\nh=os.environ['HOME'].encode()\n\
             assert l.renameat2(-100,b'made',-100,h+b'/notes',2)==0",
        )),
        by(
            "hard link out",
            Some("echo x > made && ln made $HOME/out"),
            Some("import os; open('made','w'); os.link('made',os.environ['HOME']+'/out')"),
        ),
    ]);
}

#[test]
fn a_confined_command_reads_no_secrets() {
    World::new().try_all(&[
        by("read", Some("grep key $HOME/.ssh/id"), Some("import os; open(os.environ['HOME']+'/.ssh/id').read()")),
        by(
            "through a link",
            Some("ln -s $HOME/.ssh link && grep key link/id"),
            Some("import os; os.symlink(os.environ['HOME']+'/.ssh','link'); open('link/id').read()"),
        ),
        by(
            "through /proc/self/root",
            Some("grep key /proc/self/root$HOME/.ssh/id"),
            Some("import os; open('/proc/self/root'+os.environ['HOME']+'/.ssh/id').read()"),
        ),
        by("through a process's root", Some("grep key /proc/$VICTIM_PID/root$HOME/.ssh/id"), None),
        by("through a process's directory", Some("grep key /proc/$VICTIM_PID/cwd/id"), None),
        by(
            "through a hard link",
            Some("ln $HOME/.ssh/id hard && grep key hard"),
            Some("import os; os.link(os.environ['HOME']+'/.ssh/id','hard'); open('hard').read()"),
        ),
        by("standing in it", Some("cd $HOME/.ssh && grep key id"), None),
        by("pryx's own", Some("cat $PRYX_HOME/hands.db | head -c1 | grep -q S"), None),
    ]);
}

/// The directory is made after the command was started.
#[test]
fn a_secret_that_turns_up_later_is_hidden_too() {
    let world = World::new();
    let script = "until [ -e $HOME/.aws/credentials ]; do :; done; cat $HOME/.aws/credentials $HOME/later";
    for held in [false, true] {
        let mut command = world.env.program(super::env::PRYX);
        command.args(["exec", "--no-tty"]).args(held.then_some("--mode=workspace")).args(["--", "bash", "-c", script]);
        let running = Act::new(command).start();
        super::env::wait_until("it runs", super::env::PATIENCE, || !world.env.running("until").is_empty());
        std::fs::write(world.env.home().join("later"), "later").expect("a file");
        std::fs::create_dir(world.env.home().join(".aws")).expect("a directory");
        std::fs::write(world.env.home().join(".aws/credentials"), "a secret").expect("a file");
        let done = running.wait();
        assert_eq!(done.code() == Some(0), !held, "{done}");
        assert_eq!(done.out().contains("secret"), !held, "{done}");
        std::fs::remove_dir_all(world.env.home().join(".aws")).expect("the directory");
    }
}

#[test]
fn a_confined_command_talks_to_nobody() {
    World::new().try_all(&[
        by(
            "TCP",
            Some("exec 3<>/dev/tcp/127.0.0.1/$TCP"),
            Some("import os,socket; socket.create_connection(('127.0.0.1',int(os.environ['TCP'])))"),
        ),
        by(
            "UDP",
            Some("echo x > /dev/udp/127.0.0.1/$UDP"),
            Some("import os,socket; socket.socket(2,2).sendto(b'x',('127.0.0.1',int(os.environ['UDP'])))"),
        ),
        by("IPv6", None, Some("import socket; socket.socket(socket.AF_INET6,1)")),
        by("a port of its own", None, Some("import socket; socket.create_server(('127.0.0.1',0))")),
        by(
            "a socket in the file system",
            None,
            Some("import os,socket; socket.socket(socket.AF_UNIX).connect(os.environ['HOME']+'/docker.sock')"),
        ),
        by(
            "a datagram to a socket in the file system",
            None,
            Some("import os,socket; socket.socket(socket.AF_UNIX,2).sendto(b'x',os.environ['HOME']+'/log.sock')"),
        ),
        by(
            "the same from a pair",
            None,
            Some("import os,socket; socket.socketpair(1,2)[0].sendto(b'x',os.environ['HOME']+'/log.sock')"),
        ),
        by(
            "an abstract socket",
            None,
            Some("import os,socket; socket.socket(socket.AF_UNIX).connect('\\0'+os.environ['ABSTRACT'])"),
        ),
        by(
            "pryx itself",
            None,
            Some("import os,socket; socket.socket(socket.AF_UNIX).connect(os.environ['PRYX_HOME']+'/run/hands.sock')"),
        ),
        Try { root: true, ..by("raw packets", None, Some("import socket; socket.socket(17,3)")) },
        Try { root: true, ..by("raw IP", None, Some("import socket; socket.socket(2,3,1)")) },
    ]);
}

#[test]
fn a_confined_command_reaches_into_no_other_process() {
    const PTRACE: &str = "import ctypes,os\n\
         l=ctypes.CDLL(None,use_errno=True)\n\
         p=int(os.environ['VICTIM_PID'])\n\
         assert l.ptrace(0x4206,p,0,0)==0\n\
         l.ptrace(0x11,p,0,0)";
    const READV: &str = "import ctypes,os\n\
         l=ctypes.CDLL(None,use_errno=True)\n\
         p=int(os.environ['VICTIM_PID'])\n\
         a=int(open(f'/proc/{p}/maps').readline().split('-')[0],16)\n\
         b=ctypes.create_string_buffer(8)\n\
         class V(ctypes.Structure): _fields_=[('p',ctypes.c_void_p),('n',ctypes.c_size_t)]\n\
         x,y=V(ctypes.addressof(b),8),V(a,8)\n\
         assert l.process_vm_readv(p,ctypes.byref(x),1,ctypes.byref(y),1,0)==8";
    const PIDFD: &str = "import ctypes,os\n\
         l=ctypes.CDLL(None,use_errno=True)\n\
         f=os.pidfd_open(int(os.environ['VICTIM_PID']))\n\
         assert l.syscall(438,f,0,0)>=0";
    World::new().try_all(&[
        by("signal", Some("kill -CONT $VICTIM_PID"), Some("import os; os.kill(int(os.environ['VICTIM_PID']),18)")),
        by(
            "environment",
            Some("grep -q secret /proc/$VICTIM_PID/environ"),
            Some("import os; assert 'secret' in open('/proc/'+os.environ['VICTIM_PID']+'/environ').read()"),
        ),
        by(
            "memory",
            Some("exec 3</proc/$VICTIM_PID/mem"),
            Some("import os; open('/proc/'+os.environ['VICTIM_PID']+'/mem','rb')"),
        ),
        by("descriptors", Some("readlink /proc/$VICTIM_PID/fd/0"), None),
        by("ptrace", None, Some(PTRACE)),
        by("process_vm_readv", None, Some(READV)),
        by("pidfd_getfd", None, Some(PIDFD)),
        by(
            "a signal by descriptor",
            None,
            Some("import os,signal; signal.pidfd_send_signal(os.pidfd_open(int(os.environ['VICTIM_PID'])),18)"),
        ),
        Try {
            tty: true,
            root: true,
            ..by("type into its terminal", None, Some("import fcntl,termios; fcntl.ioctl(1,termios.TIOCSTI,b'x')"))
        },
    ]);
}

/// Each call by itself: how another process runs, and what processes share by number or by name. The script prints those
/// that were let through; with nothing real to act on, another error than the sandbox's shows that too.
#[test]
fn a_confined_command_changes_no_other_process_and_shares_nothing_with_it() {
    const CALLS: &str = "import ctypes,os,resource\n\
         l=ctypes.CDLL(None,use_errno=True)\n\
         p=int(os.environ['VICTIM_PID'])\n\
         def call(*a):\n\
         \x20 ctypes.set_errno(0)\n\
         \x20 r=l.syscall(*[ctypes.c_long(x) if isinstance(x,int) else x for x in a])\n\
         \x20 if r<0 and ctypes.get_errno() in (1,13,38): raise OSError(ctypes.get_errno(),'')\n\
         o=ctypes.create_string_buffer(64)\n\
         tries={\n\
         'limits':lambda:resource.prlimit(p,resource.RLIMIT_CORE,(0,0)),\n\
         'affinity':lambda:os.sched_setaffinity(p,os.sched_getaffinity(0)),\n\
         'scheduler':lambda:os.sched_setscheduler(p,os.SCHED_OTHER,os.sched_param(0)),\n\
         'parameters':lambda:os.sched_setparam(p,os.sched_param(0)),\n\
         'attributes':lambda:call(314,p,o,0),\n\
         'priority':lambda:os.setpriority(os.PRIO_PROCESS,p,5),\n\
         'priority of a group':lambda:call(141,1,0x3ffffffe,5),\n\
         'priority of a user':lambda:call(141,2,0x3ffffffe,5),\n\
         'disks':lambda:call(251,1,p,2<<13|4),\n\
         'disks of a user':lambda:call(251,3,0x3ffffffe,2<<13|4),\n\
         'pages':lambda:call(256,p,0,o,o),\n\
         'pages one by one':lambda:call(279,p,0,0,0,0,0),\n\
         'shmget':lambda:call(29,0x70727978,4096,0),\n\
         'shmat':lambda:call(30,-1,0,0),\n\
         'shmctl':lambda:call(31,-1,0,0),\n\
         'semget':lambda:call(64,0x70727978,1,0),\n\
         'semop':lambda:call(65,-1,o,1),\n\
         'semctl':lambda:call(66,-1,0,0,0),\n\
         'semtimedop':lambda:call(220,-1,o,1,0),\n\
         'msgget':lambda:call(68,0x70727978,0),\n\
         'msgsnd':lambda:call(69,-1,o,1,0),\n\
         'msgrcv':lambda:call(70,-1,o,1,0,0),\n\
         'msgctl':lambda:call(71,-1,0,0),\n\
         'mq_open':lambda:call(240,b'pryx-none',0,0,0),\n\
         'mq_unlink':lambda:call(241,b'pryx-none')}\n\
         for name,one in tries.items():\n\
         \x20 try: one()\n\
         \x20 except OSError: continue\n\
         \x20 print(name)\n\
         print('of',len(tries))";
    let world = World::new();
    for way in [&["python3", "-c", CALLS][..], &["setsid", "-w", "python3", "-c", CALLS]] {
        let free = world.run(false, false, way);
        assert_eq!((free.code(), free.out().lines().count()), (Some(0), 26), "without a sandbox: {free}");
        let held = world.run(true, false, way);
        held.assert_code(0).assert_out("of 25\n");
    }
}

/// What a command may do to itself.
#[test]
fn a_confined_command_still_limits_and_places_itself() {
    let world = World::new();
    for way in [
        &["bash", "-c", "ulimit -c 0 && ulimit -n 64 && nice -n 5 true"][..],
        &["bash", "-c", "! command -v taskset || taskset -c $(taskset -pc $$ | sed 's/.*: *//') true"],
        &["bash", "-c", "! command -v ionice || ionice -c 3 true"],
        &[
            "python3",
            "-c",
            "import os,resource; resource.prlimit(os.getpid(),0); os.sched_setaffinity(0,os.sched_getaffinity(0))",
        ],
        &["python3", "-c", "import multiprocessing as m; q=m.Queue(); q.put(1); assert q.get()==1; m.Lock().acquire()"],
    ] {
        world.run(true, false, way).assert_code(0);
    }
}

#[test]
fn a_confined_command_does_not_change_the_system() {
    World::new().try_all(&[
        Try {
            root: true,
            ..by(
                "mount",
                Some("mkdir m && mount -t tmpfs none m && umount m"),
                Some(
                    "import ctypes,os\nos.mkdir('m')\nl=ctypes.CDLL(None)\n\
                 assert l.mount(b'none',b'm',b'tmpfs',0,None)==0\nl.umount(b'm')",
                ),
            )
        },
        Try {
            root: true,
            ..by(
                "namespaces",
                Some("unshare -m true"),
                Some("import ctypes; assert ctypes.CDLL(None).unshare(0x20000)==0"),
            )
        },
        Try {
            root: true,
            ..by(
                "a namespace by clone",
                None,
                Some(
                    "import ctypes,os\nl=ctypes.CDLL(None)\np=l.syscall(56,0x20000000|17,0,0,0,0)\n\
             if p==0: os._exit(0)\nassert p>0; os.waitpid(p,0)",
                ),
            )
        },
        Try { root: true, ..by("chroot", None, Some("import os; os.chroot('.')")) },
        Try { root: true, ..by("a device", Some("mknod d c 1 3"), None) },
        Try {
            root: true,
            ..by("the host's name", None, Some("import socket; socket.sethostname(socket.gethostname())"))
        },
        by("keys", None, Some("import ctypes; assert ctypes.CDLL(None).syscall(250,0,-3,1)>=0")),
        by(
            "io_uring",
            None,
            Some("import ctypes; b=ctypes.create_string_buffer(120); assert ctypes.CDLL(None).syscall(425,1,b)>=0"),
        ),
        by("another's terminal", Some("exec 3<>$PTS"), Some("import os; open(os.environ['PTS'],'rb+',0)")),
    ]);
}

/// No descriptor of the hands, the keeper or the client is open in a command.
#[test]
fn a_confined_command_inherits_nothing() {
    let world = World::new();
    let script = "import os; print(sorted(int(f) for f in os.listdir('/proc/self/fd')))";
    let done = world.run(true, false, &["python3", "-c", script]);
    done.assert_code(0).assert_out("[0, 1, 2, 3]\n");
}

#[test]
fn an_agents_command_is_confined_unasked_and_its_record_says_so() {
    let mut env = TestEnv::outside_tmp();
    let stub = Stub::start(
        Format::Anthropic,
        Chunking::Whole,
        [Turn::runs("grep NoNewPrivs /proc/self/status"), Turn::says("Well.")],
    );
    stub.serve(&mut env);
    env.ok(["look"]);
    assert!(
        stub.tool_results().concat().contains("NoNewPrivs:\\t1")
            || stub.tool_results().concat().contains("NoNewPrivs:\t1")
    );
    let jobs = env.json(["ps", "-a"]);
    assert_eq!(jobs[0]["sandbox"]["profile"], "workspace", "{jobs:#}");
    env.ok(["exec", "--", "true"]);
    let jobs = env.json(["ps", "-a"]);
    assert_eq!(jobs[0]["sandbox"]["profile"], "none", "{jobs:#}");
    assert_eq!(jobs[0]["sandbox"]["note"], "a command of your own", "{jobs:#}");
}
