'use strict';
// Who gets mail, who must log in, and delivery to Maildirs.
const fs = require('fs');
const { Writable } = require('stream');
const settings = JSON.parse(fs.readFileSync(process.env.LAB_SETTINGS, 'utf8'));
const lab = require('lab.js')(settings);

exports.register = function () {
    this.register_hook('mail', 'lab_mail');
    this.register_hook('rcpt', 'lab_rcpt');
    this.register_hook('queue', 'lab_queue');
    this.register_hook('queue_outbound', 'lab_queue');
};

// As Haraka does on ports 465 and 587: cmd_mail in its connection.js.
exports.lab_mail = function (next, connection) {
    const login = connection.local.port !== settings.ports.smtp;
    return login && !connection.relaying ? next(DENY, 'Authentication required') : next();
};

function text(address) {
    return typeof address.address === 'function' ? address.address() : address.address;
}

exports.lab_rcpt = function (next, connection, params) {
    const no = lab.refusal(text(params[0]), connection.relaying);
    return no ? next(DENY, no) : next(OK);
};

exports.lab_queue = function (next, connection) {
    const transaction = connection.transaction;
    const parts = [];
    const sink = new Writable({ write(part, encoding, done) { parts.push(part); done(); } });
    sink.on('finish', () => {
        lab.deliver(Buffer.concat(parts), text(transaction.mail_from) || '', transaction.rcpt_to.map(text));
        next(OK, 'delivered');
    });
    transaction.message_stream.pipe(sink);
};
