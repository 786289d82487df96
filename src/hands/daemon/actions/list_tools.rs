//! `list_tools`: what a model can be given.

use crate::tools;
use pryx_ipc::ListToolsReply;

pub(crate) fn run() -> ListToolsReply {
    ListToolsReply { tools: tools::specs() }
}
