//! Docker containers and images.

use super::intent::{Intent, Run};
use super::slot::Slot;

pub(super) const INTENTS: &[Intent] = &[
    Intent {
        say: "\
            running container; container running; container; docker container; docker ps; docker container running; \
            running docker container; what docker running; what running in docker; active container",
        also: "docker running in",
        intro: "Running containers:",
        ..Intent::reads(
            "containers",
            "which docker containers are running?",
            Run::Both(r"docker ps --format='table {{.Names}}\t{{.Image}}\t{{.Status}}\t{{.Ports}}'"),
        )
    },
    Intent {
        say: "\
            all container; all docker container; stopped container; docker ps -a; container including|even stopped; \
            exited container; container stopped|exited; all container including stopped|exited; \
            stopped docker container",
        also: "docker the ones also and running including exited",
        intro: "All containers, stopped ones too:",
        ..Intent::reads(
            "all-containers",
            "list all docker containers, including stopped ones",
            Run::Both(r"docker ps -a --format='table {{.Names}}\t{{.Image}}\t{{.Status}}'"),
        )
    },
    Intent {
        say: "\
            docker image; container image; image docker; local docker? image; image of docker; downloaded image; \
            docker image installed|have|local",
        also: "local have locally pulled downloaded docker",
        intro: "Docker images:",
        ..Intent::reads(
            "container-images",
            "list docker images",
            Run::Both(r"docker images --format='table {{.Repository}}\t{{.Tag}}\t{{.Size}}\t{{.CreatedSince}}'"),
        )
    },
    Intent {
        say: "\
            log container {name}; docker log of|for|from? {name}; log of docker? container {name}; \
            log docker container {name}; {name} container log; container {name} log; docker log container {name}; \
            docker logs {name}",
        with: &[Slot::Count],
        also: "docker last line newest the recent",
        count: 50,
        intro: "The last lines of the container {name}'s log:",
        empty: "The container {name} has printed nothing.",
        ..Intent::reads(
            "container-log",
            "show the logs of container web",
            Run::Both("docker logs --tail {count} {name}"),
        )
    },
    Intent {
        say: "\
            docker volume; container volume; volume docker; volume of docker; docker volume exist; \
            docker storage volume",
        also: "exist docker have container",
        intro: "Docker volumes:",
        ..Intent::reads("container-volumes", "list docker volumes", Run::Both("docker volume ls"))
    },
    Intent {
        say: "\
            docker network|networks; container network|networks; network|networks docker; \
            network docker|container have",
        also: "exist docker have there",
        intro: "Docker networks:",
        ..Intent::reads("container-networks", "list docker networks", Run::Both("docker network ls"))
    },
    Intent {
        say: "\
            container use memory|cpu|most; docker stats|statistics; docker container? memory|cpu|resource use; \
            much memory|cpu container use; container stats|statistics; container resource use; memory|cpu|resource use container; \
            docker memory|cpu; container memory|cpu use?; docker use cpu|memory",
        also: "docker memory cpu and use resource most much",
        intro: "What the running containers use:",
        ..Intent::reads(
            "container-stats",
            "how much memory do my containers use?",
            Run::Both(r"docker stats --no-stream --format='table {{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}'"),
        )
    },
    Intent {
        say: "\
            docker disk use|space; disk space docker use; space use docker; much disk? space docker use; space docker use; \
            docker space|disk; docker system df; size docker; how big docker",
        also: "disk much use space image and container",
        intro: "The space that Docker takes:",
        ..Intent::reads("docker-space", "how much disk space does docker use?", Run::Both("docker system df"))
    },
    Intent {
        say: "stop docker? container {name}; stop container named {name}; stop {name} container; docker stop {name}",
        intro: "Stop the container {name}:",
        ..Intent::changes("stop-container", "stop the container web", Run::Both("docker stop {name}"))
    },
    Intent {
        say: "\
            restart docker? container {name}; restart container named {name}; restart {name} container; \
            docker restart {name}",
        intro: "Restart the container {name}:",
        ..Intent::changes("restart-container", "restart the container web", Run::Both("docker restart {name}"))
    },
    Intent {
        say: "\
            start docker? container {name}; start container named {name}; start {name} container; \
            docker start {name}",
        intro: "Start the container {name}:",
        ..Intent::changes("start-container", "start the container web", Run::Both("docker start {name}"))
    },
];
