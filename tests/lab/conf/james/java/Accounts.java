import javax.inject.Inject;

import org.apache.james.core.Domain;
import org.apache.james.core.Username;
import org.apache.james.rrt.api.RecipientRewriteTable;
import org.apache.james.rrt.lib.MappingSource;
import org.apache.james.user.api.UsersRepository;
import org.apache.james.utils.UserDefinedStartable;

/** The lab's users and their aliases: what is in memory is empty when the server starts. */
public class Accounts implements UserDefinedStartable {
    private final UsersRepository users;
    private final RecipientRewriteTable aliases;
    private final Domain domain = Domain.of(System.getProperty("lab.domain"));

    @Inject
    public Accounts(UsersRepository users, RecipientRewriteTable aliases) {
        this.users = users;
        this.aliases = aliases;
    }

    @Override
    public void start() {
        try {
            for (String user : System.getProperty("lab.users").split(",")) {
                users.addUser(Username.of(address(user.split(":")[0])), user.split(":")[1]);
            }
            for (String name : new String[] {"postmaster", "abuse"}) {
                aliases.addAliasMapping(MappingSource.fromUser(name, domain), address("alice"));
            }
            aliases.addGroupMapping(MappingSource.fromUser("both", domain), address("alice"));
            aliases.addGroupMapping(MappingSource.fromUser("both", domain), address("bob"));
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private String address(String name) {
        return name + "@" + domain.asString();
    }
}
