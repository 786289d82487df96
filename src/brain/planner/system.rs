//! The machine itself: processor, memory, kernel, sensors, environment.

use super::intent::{Intent, Run};

pub(super) const INTENTS: &[Intent] = &[
    Intent {
        say: "\
            cpu; cpu info|model|type|name|specs; what|which cpu; cpu have; model cpu; kind cpu; \
            what kind|type|model of? cpu; lscpu; cpu model name",
        also: "model specs kind type inside name",
        intro: "The processor:",
        ..Intent::reads(
            "cpu-info",
            "what CPU does this machine have?",
            Run::Each {
                linux: "lscpu | head -n 25",
                macos: "sysctl machdep.cpu.brand_string hw.physicalcpu hw.logicalcpu hw.cachelinesize hw.l2cachesize",
            },
        )
    },
    Intent {
        say: "\
            count core; count cpu; cpu core; count cpu core; core count; nproc; count thread cpu; core have; \
            count core cpu have?",
        also: "cpu have logical physical thread number",
        intro: "The number of processors:",
        ..Intent::reads(
            "cpu-cores",
            "how many CPU cores do I have?",
            Run::Each { linux: "nproc", macos: "sysctl -n hw.ncpu" },
        )
    },
    Intent {
        say: "\
            memory; free memory; memory use; much memory free|use|have|installed?; memory free; total memory; \
            much free memory; memory info|statistics|stats; memory left; memory status; use memory; \
            much total memory; memory installed; how is memory",
        also: "much use free have system total installed total being physical and still",
        intro: "Memory:",
        ..Intent::reads(
            "memory",
            "how much memory is free?",
            Run::Each { linux: "free -h", macos: "sysctl hw.memsize; vm_stat" },
        )
    },
    Intent {
        say: "\
            os; os version; version os; what os; distribution|distro; linux version|distribution|distro; \
            macos version; version linux|macos|ubuntu|debian|fedora; os release; what distribution|distro; \
            os running; which linux; distro version; os name",
        also: "running version use release linux name am",
        intro: "The operating system:",
        ..Intent::reads(
            "os-version",
            "which operating system is this?",
            Run::Each { linux: "cat /etc/os-release", macos: "sw_vers" },
        )
    },
    Intent {
        say: "\
            kernel; kernel version|release; version kernel; linux kernel version?; what kernel; kernel running; \
            uname; version linux kernel",
        also: "linux running use version release",
        intro: "The kernel:",
        ..Intent::reads("kernel", "what kernel version is running?", Run::Both("uname -srv"))
    },
    Intent {
        say: "\
            architecture; cpu architecture; 32 or 64 bit; 64 bit; is this arm|x86|64-bit|x86_64|aarch64; \
            machine architecture; what architecture; arch; cpu arch; 64-bit or 32-bit|arm; arm or x86|intel|amd64; \
            architecture cpu|machine",
        also: "machine or bit cpu platform running 32-bit 32",
        intro: "The architecture:",
        ..Intent::reads("architecture", "what is the CPU architecture?", Run::Both("uname -m"))
    },
    Intent {
        say: "\
            load; system load; load system; average load; load average|averages; cpu load; \
            how busy cpu|system|machine?; machine busy; how busy; load on system|machine|cpu; high load",
        also: "average high cpu current on",
        intro: "The load:",
        ..Intent::reads("load", "what is the system load?", Run::Both("uptime"))
    },
    Intent {
        say: "\
            temperature; cpu temperature; temperature cpu|system|machine; how hot cpu|machine|system?; how hot; \
            sensors; thermal; hot cpu; fan|fans speed|speeds; core temperature; thermal sensors|state",
        also: "cpu speed sensor sensors running core readings is",
        intro: "Temperatures (bare numbers are thousandths of a degree Celsius):",
        empty: "No sensor can be read.",
        ..Intent::reads(
            "temperature",
            "how hot is the CPU?",
            Run::Each {
                linux: "if command -v sensors >/dev/null; then sensors; else grep -s . /sys/class/thermal/thermal_zone0/temp /sys/class/thermal/thermal_zone1/temp; fi",
                macos: "pmset -g therm",
            },
        )
    },
    Intent {
        say: "\
            env {variable}; value of? env? {variable}; value variable {variable}; variable {variable}; \
            what {variable}; {variable} set; echo|printenv {variable}; show? {dollar:variable}; {variable} variable; is {variable} set; \
            what {variable} set; env {variable} set; {variable} env",
        also: "set value variable env",
        intro: "The environment variable {variable}:",
        empty: "{variable} is not set.",
        ..Intent::reads("env-variable", "what is the value of $EDITOR?", Run::Both("printenv {variable}"))
    },
    Intent {
        say: "env; all env; env set; printenv; which env; env name; name env; variable env; show env",
        also: "all names set variable name defined",
        intro: "The names of the environment variables (values may be secret: ask for one by name):",
        ..Intent::reads(
            "env-names",
            "list the environment variables",
            Run::Both("printenv | grep -o '^[A-Za-z_][A-Za-z0-9_]*=' | sort"),
        )
    },
    Intent {
        say: "\
            path variable; my path; show path; what in my? path; path directory; directory path; directory in path; \
            search path; path env; env path; value path; search path for command|process; what $path; $path; \
            value $path; directory in $path; entries of? path|$path; what path set",
        also: "variable entries commands shell env value set content my",
        intro: "Where commands are looked for, in order:",
        ..Intent::reads("path", "what is in my PATH?", Run::Both("printenv PATH | tr ':' '\\n'"))
    },
    Intent {
        say: "\
            shell; my shell; which|what shell; shell use; default|login shell; shell am i use|running; \
            shell running",
        also: "use default login running am",
        intro: "Your login shell:",
        ..Intent::reads("shell", "which shell am I using?", Run::Both("printenv SHELL"))
    },
    Intent {
        say: "\
            installed|free shell; shell installed|free; which|what shells; shells; shells installed|free; \
            valid login shells",
        also: "installed free login there shell",
        intro: "Login shells on this machine:",
        ..Intent::reads("shells", "which shells are available?", Run::Both("cat /etc/shells"))
    },
    Intent {
        say: "\
            gpu; graphics card|cards|adapter|interface|processor|cpu; what|which gpu; gpu info|model|name; \
            gpu have; graphics; model gpu; gpu installed; video card",
        also: "card have model installed name",
        intro: "Graphics hardware:",
        empty: "No graphics hardware was found.",
        ..Intent::reads(
            "gpu",
            "what graphics card is in this machine?",
            Run::Each { linux: "lspci | grep -i -E 'vga|3d|display'", macos: "system_profiler SPDisplaysDataType" },
        )
    },
    Intent {
        say: "\
            gpu use; nvidia-smi; what use gpu; gpu memory; gpu memory use; process use gpu; gpu load|temperature; \
            how busy gpu; who use gpu; much gpu memory use|free?",
        also: "memory much use busy free nvidia",
        intro: "What the GPU is doing:",
        ..Intent::reads(
            "gpu-usage",
            "what is using the GPU?",
            Run::Each { linux: "nvidia-smi", macos: "ioreg -r -d 1 -w 0 -c IOAccelerator | head -n 40" },
        )
    },
    Intent {
        say: "\
            battery; battery level|status|state|charge|percentage|life|health; much battery free|have?; \
            level|charge battery; battery left; is battery charging|full|charged; battery charging; \
            how full|charged battery; power status; plugged in; charging",
        also: "much level charge free have still laptop power it plugged",
        intro: "The battery:",
        empty: "There is no battery.",
        ..Intent::reads(
            "battery",
            "how much battery is left?",
            Run::Each {
                linux: "grep -s . /sys/class/power_supply/BAT0/capacity /sys/class/power_supply/BAT0/status /sys/class/power_supply/BAT1/capacity /sys/class/power_supply/BAT1/status",
                macos: "pmset -g batt",
            },
        )
    },
    Intent {
        say: "\
            hostname; name machine|computer|host; machine|computer name; what machine|computer named; \
            what this machine|computer named; what host this; hostname machine; \
            name of? this? machine|computer|host|server",
        also: "machine computer server this",
        intro: "The name of this machine:",
        ..Intent::reads("hostname", "what is the hostname of this machine?", Run::Both("uname -n"))
    },
    Intent {
        say: "\
            usb; usb device; device usb; device connection|plugged usb?; what usb; connection usb device; \
            usb connection|plugged; lsusb; what plugged in",
        also: "plugged connection in via attached stick sticks devices",
        intro: "USB devices:",
        empty: "No USB device was found.",
        ..Intent::reads(
            "usb-devices",
            "list USB devices",
            Run::Each { linux: "lsusb", macos: "system_profiler SPUSBDataType" },
        )
    },
    Intent {
        say: "\
            pci device; pci; lspci; device pci; pci cards; hardware pci; hardware; hardware info|list|device; \
            hardware summary",
        also: "device bus hardware cards list",
        intro: "Hardware of this machine:",
        ..Intent::reads(
            "hardware",
            "list the PCI devices",
            Run::Each { linux: "lspci", macos: "system_profiler SPHardwareDataType" },
        )
    },
    Intent {
        say: "\
            kernel module; loaded module|driver|drivers; module loaded; lsmod; \
            loaded kernel module|drivers|extension; kernel extension; kernel module loaded",
        also: "loaded kernel",
        intro: "Loaded kernel modules:",
        ..Intent::reads(
            "kernel-modules",
            "which kernel modules are loaded?",
            Run::Each { linux: "lsmod", macos: "kmutil showloaded" },
        )
    },
    Intent {
        say: "\
            limit; resource limit; shell limit; limit open file|process; process limit; \
            max|maximum count? open file; file descriptor limit; open file limit; count open file allowed; \
            count file open; limit resource",
        also: "resource shell count file open maximum process can i user set",
        intro: "Limits of this shell:",
        ..Intent::reads("limits", "what are my resource limits?", Run::Both("ulimit -a"))
    },
    Intent {
        say: "\
            locale; language settings; locale settings; what locale|language; character encoding; locale set; \
            language system|set; my locale; encoding use",
        also: "set settings use system language",
        intro: "The locale:",
        ..Intent::reads("locale", "what is my locale?", Run::Both("locale"))
    },
    Intent {
        say: "\
            virtual machine; is virtual|virtualised|virtualized machine?; vm; is this a vm|container|virtual; \
            hypervisor; am i in? vm|container|docker; running in|inside|on vm|container|docker|virtual; \
            virtualised or|physical; physical or virtual",
        also: "machine running virtual or inside physical real hardware i bare metal a",
        intro: "Signs of a container or a hypervisor:",
        empty: "There are no signs of a container or a hypervisor: this looks like a physical machine.",
        ..Intent::reads(
            "virtualisation",
            "is this a virtual machine?",
            Run::Each {
                linux: "ls /.dockerenv /run/.containerenv 2>/dev/null; lscpu | grep -i hypervisor",
                macos: "sysctl kern.hv_vmm_present",
            },
        )
    },
];
